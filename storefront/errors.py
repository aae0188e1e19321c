"""Refusals: what the shop says when it must say no.

Rules and actions raise them; one handler (see `storefront.web.error_handlers`) shows them as a page, as a region of a
page or as RFC 9457 problem+json. They are worded for the shopper in the language of the request, and carry the data
that a program needs; a title is a marked message, which is translated where it is shown.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from storefront.i18n.gettext import N_, _


class Refusal(Exception):
    """The base of everything that the shop refuses. `type` is the last part of the problem's type URI."""

    status = 400
    type = "refused"
    title = N_("Bad request")

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def problem_members(self) -> dict[str, Any]:
        """Members that the problem carries besides type, title, status and detail."""
        return {}


class NotFound(Refusal):
    status = 404
    type = "not-found"
    title = N_("Not found")


class TenantNotFound(NotFound):
    type = "tenant-not-found"
    title = N_("Shop not found")


@dataclass(frozen=True)
class FieldError:
    """One field that was wrong, and why."""

    field: str
    message: str


class Invalid(Refusal):
    """Fields that were understood and can't be taken."""

    status = 422
    type = "invalid"
    title = N_("Please check your details")

    def __init__(self, *faults: FieldError) -> None:
        super().__init__(" ".join(fault.message for fault in faults))
        self.field_errors = faults

    def problem_members(self) -> dict[str, Any]:
        return {"errors": [asdict(fault) for fault in self.field_errors]}


class Conflict(Refusal):
    status = 409
    type = "conflict"


@dataclass(frozen=True)
class Shortage:
    """A product of which the cart wants more than there is."""

    product_id: str
    requested: int
    available: int


class OutOfStock(Conflict):
    type = "out-of-stock"
    title = N_("Not enough in stock")

    def __init__(self, items: Sequence[Shortage]) -> None:
        super().__init__(_("Some items aren't available in the quantity you want. Your order hasn't been placed."))
        self.items = items

    def problem_members(self) -> dict[str, Any]:
        return {"items": [asdict(item) for item in self.items]}


class PriceChanged(Conflict):
    """The total is not what the shopper was shown. `total` is in minor units of `currency`."""

    type = "price-changed"
    title = N_("The price has changed")

    def __init__(self, detail: str, total: int, currency: str) -> None:
        super().__init__(detail)
        self.total = total
        self.currency = currency

    def problem_members(self) -> dict[str, Any]:
        return {"total": {"amount": self.total, "currency": self.currency}}


class CartChanged(Conflict):
    """The cart doesn't hold what the page showed, as after a change in another tab. Only pages say what they showed."""

    type = "cart-changed"
    title = N_("Your cart has changed")

    def __init__(self) -> None:
        super().__init__(
            _(
                "Your cart has changed since you opened this page, perhaps in another tab. "
                "Please review your order and place it again."
            )
        )


class CartEmpty(Conflict):
    type = "cart-empty"
    title = N_("Your cart is empty")

    def __init__(self) -> None:
        super().__init__(_("Add a product to your cart before you check out."))


class CartOrdered(Conflict):
    type = "cart-ordered"
    title = N_("Order already placed")

    def __init__(self) -> None:
        super().__init__(_("This cart has already been ordered and can't be changed."))


class OrderFulfilled(Conflict):
    type = "order-fulfilled"
    title = N_("Order already shipped")

    def __init__(self) -> None:
        super().__init__(_("This order has already been shipped and can't be cancelled."))


class Unauthorized(Refusal):
    """Nobody, or nobody that is known, asked for what only staff may have."""

    status = 401
    type = "unauthorized"
    title = N_("Authentication required")

    def __init__(self) -> None:
        super().__init__(_("Send a valid API key as 'Authorization: Bearer <key>'."))


class DatabaseBusy(Refusal):
    """The database could not be written in time; trying again is safe."""

    status = 503
    type = "busy"
    title = N_("The shop is busy")

    def __init__(self) -> None:
        super().__init__(_("The shop is very busy right now. No changes were made. Please try again in a moment."))


class Unavailable(Refusal):
    """The database is away, or can't be written to."""

    status = 503
    type = "unavailable"
    title = N_("Temporarily unavailable")

    def __init__(self) -> None:
        super().__init__(_("The shop is temporarily unavailable. Please try again shortly."))
