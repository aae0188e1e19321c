"""What a cart may hold."""

from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _

MAX_QUANTITY_PER_LINE = 999
MAX_LINES_PER_CART = 100


def invalid_quantity(least: int = 1) -> Invalid:
    said = _("Quantity must be a whole number from %(least)s to %(most)s.", least=least, most=MAX_QUANTITY_PER_LINE)
    return Invalid(FieldError("quantity", said))


def check_quantity(quantity: int) -> int:
    """A line holds 1 to 999 of a product."""
    if not 1 <= quantity <= MAX_QUANTITY_PER_LINE:
        raise invalid_quantity()
    return quantity


def check_line_count(lines: int) -> None:
    """A cart holds at most a hundred lines; `lines` counts the one that is to be added."""
    if lines > MAX_LINES_PER_CART:
        raise Invalid(
            FieldError("product_id", _("A cart can hold up to %(most)s different products.", most=MAX_LINES_PER_CART))
        )


def parse_quantity(text: str, least: int = 1) -> int:
    """A quantity that a form sent; 0 is taken where it means removal."""
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) <= 4 and least <= int(text) <= MAX_QUANTITY_PER_LINE):
        raise invalid_quantity(least)
    return int(text)
