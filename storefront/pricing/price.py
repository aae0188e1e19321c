"""What a price is calculated from, and what it consists of. All amounts are in minor units."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from storefront.tenants.shipping_methods import ShippingMethod


class PromoProblem(StrEnum):
    """Why a promotion gives nothing."""

    UNKNOWN = "unknown"
    EXPIRED = "expired"
    NOT_STARTED = "not_started"
    MIN_SUBTOTAL = "min_subtotal"
    USED_UP = "used_up"
    USED_BY_CUSTOMER = "used_by_customer"


RAN_OUT = (
    PromoProblem.UNKNOWN,
    PromoProblem.EXPIRED,
    PromoProblem.USED_UP,
    PromoProblem.USED_BY_CUSTOMER,
)
"""What happens to a code without the shopper's doing."""


class PriceLine(NamedTuple):
    """A quantity of a product at its price; the weight of one of them in grams, None if it isn't known."""

    unit_price: int
    quantity: int = 1
    tax_class: str | None = None
    weight: int | None = None

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity


@dataclass(frozen=True)
class Destination:
    """Where an order goes, as far as it is known, and by which method. With `reverse_charge` the buyer, a business
    elsewhere in the EU, owes the tax."""

    country: str | None = None
    method: ShippingMethod | None = None
    reverse_charge: bool = False


NOWHERE = Destination()


class LinePrice(NamedTuple):
    """What a line costs: its parts of the discount and of the tax, which is at `tax_rate` per cent (None without
    tax)."""

    unit_price: int
    quantity: int
    discount: int = 0
    tax: int = 0
    tax_rate: Decimal | None = None

    @property
    def total(self) -> int:
        return self.unit_price * self.quantity


class TaxLine(NamedTuple):
    """The tax at a rate in per cent: `base` is the amount without the tax."""

    rate: Decimal
    base: int
    amount: int

    def as_json(self) -> dict[str, Any]:
        return {"rate": f"{self.rate.normalize():f}", "base": self.base, "amount": self.amount}

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "TaxLine":
        return cls(Decimal(stored["rate"]), stored["base"], stored["amount"])


@dataclass(frozen=True)
class Price:
    """The steps of a price: subtotal - discount + shipping + tax = total. With `tax_included`, prices contain the tax:
    `tax` is informational and not added."""

    subtotal: int
    discount: int
    tax: int
    total: int
    tax_rate: Decimal | None = None
    """The main rate, at which shipping is taxed; None without tax."""
    tax_included: bool = False
    promo_code: str | None = None
    """The cart's code, as it was applied, whether or not it gives anything."""
    promo_problem: PromoProblem | None = None
    """Why that code gives nothing."""
    applied_code: str | None = None
    """The promotion that counts: the cart's code or an automatic one."""
    shipping: int = 0
    shipping_tax: int = 0
    """The part of the tax that is on the shipping."""
    method: ShippingMethod | None = None
    tax_lines: tuple[TaxLine, ...] = ()
    """The highest rate first."""
    reverse_charge: bool = False
    lines: tuple[LinePrice, ...] = ()
    """As many as were given, in their order."""
