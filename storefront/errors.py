"""Refusals: exceptions for requests that the shop can't fulfil.

Validation and actions raise them. One handler (`storefront.web.error_handlers`) renders them as a page, as a partial or
as RFC 9457 problem details. `detail` is in the language of the request; `title` is a message marked for translation,
which is translated when it is rendered. `problem_members` adds the data that API clients need.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from storefront.i18n.gettext import N_, _


class Refusal(Exception):
    """The base class of refusals. `type` is the last segment of the problem's type URI."""

    status = 400
    type = "refused"
    title = N_("Bad request")

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def problem_members(self) -> dict[str, Any]:
        """Extension members of the problem details, besides type, title, status and detail."""
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
    """An invalid field and the reason."""

    field: str
    message: str


class Invalid(Refusal):
    """Fields of a well-formed request that have invalid values."""

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
    """A variant with less stock than the cart's quantity."""

    product_id: str
    variant_id: str
    requested: int
    available: int

    def members(self) -> dict[str, Any]:
        """A product without options is named by its own id only."""
        hidden = {"variant_id"} if self.variant_id == self.product_id else set()
        return {name: value for name, value in asdict(self).items() if name not in hidden}


class OutOfStock(Conflict):
    type = "out-of-stock"
    title = N_("Not enough in stock")

    def __init__(self, items: Sequence[Shortage]) -> None:
        super().__init__(_("Some items aren't available in the quantity you want. Your order hasn't been placed."))
        self.items = items

    def problem_members(self) -> dict[str, Any]:
        return {"items": [item.members() for item in self.items]}


class PriceChanged(Conflict):
    """The current total differs from the one that the shopper was shown. `total` is in minor units of `currency`."""

    type = "price-changed"
    title = N_("The price has changed")

    def __init__(self, detail: str, total: int, currency: str) -> None:
        super().__init__(detail)
        self.total = total
        self.currency = currency

    def problem_members(self) -> dict[str, Any]:
        return {"total": {"amount": self.total, "currency": self.currency}}


class CartChanged(Conflict):
    """The cart's lines differ from those that the page showed, as after a change in another tab. Only pages send
    these."""

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


class WrongState(Conflict):
    """What is asked for isn't possible in the state that something is in, as cancelling an order that was shipped."""

    type = "wrong-state"
    title = N_("Not possible any more")


class Unauthorized(Refusal):
    """A request for staff data has no valid key."""

    status = 401
    type = "unauthorized"
    title = N_("Authentication required")

    def __init__(self) -> None:
        super().__init__(_("Send a valid API key as 'Authorization: Bearer <key>'."))


class DatabaseBusy(Refusal):
    """The database could not be written within the time limit; repeating the request is safe."""

    status = 503
    type = "busy"
    title = N_("The shop is busy")

    def __init__(self) -> None:
        super().__init__(_("The shop is very busy right now. No changes were made. Please try again in a moment."))


class Unavailable(Refusal):
    """The database is unavailable or not writable."""

    status = 503
    type = "unavailable"
    title = N_("Temporarily unavailable")

    def __init__(self) -> None:
        super().__init__(_("The shop is temporarily unavailable. Please try again shortly."))
