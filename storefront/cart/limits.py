"""Limits of a cart: quantity per line and number of lines."""

from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _

MAX_QUANTITY_PER_LINE = 999
MAX_LINES_PER_CART = 100


def invalid_quantity(minimum: int = 1) -> Invalid:
    message = _(
        "Quantity must be a whole number from %(least)s to %(most)s.", least=minimum, most=MAX_QUANTITY_PER_LINE
    )
    return Invalid(FieldError("quantity", message))


def check_quantity(quantity: int) -> int:
    """Return a quantity from 1 to `MAX_QUANTITY_PER_LINE`. Raises `Invalid` for any other."""
    if not 1 <= quantity <= MAX_QUANTITY_PER_LINE:
        raise invalid_quantity()
    return quantity


def check_line_count(lines: int) -> None:
    """Raise `Invalid` for more than `MAX_LINES_PER_CART`; `lines` includes the line to be added."""
    if lines > MAX_LINES_PER_CART:
        raise Invalid(
            FieldError("product_id", _("A cart can hold up to %(most)s different products.", most=MAX_LINES_PER_CART))
        )


def parse_quantity(text: str, minimum: int = 1) -> int:
    """Parse a form's quantity from `minimum` (0 means removal) to `MAX_QUANTITY_PER_LINE`. Raises `Invalid`."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and minimum <= int(text) <= MAX_QUANTITY_PER_LINE):
        raise invalid_quantity(minimum)
    return int(text)
