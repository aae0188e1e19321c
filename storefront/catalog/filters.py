"""The filters and sort orders of a product list."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from storefront import money
from storefront.catalog.option_filters import OptionFilter, read_option_filters
from storefront.i18n.gettext import N_, _
from storefront.i18n.unicode_text import cut, single_line

SORTS = {
    "": N_("Featured"),
    "price": N_("Price: low to high"),
    "-price": N_("Price: high to low"),
    "new": N_("Newest"),
    "name": N_("Name: A to Z"),
}
"""The sort orders of a product list, with their labels."""


@dataclass(frozen=True)
class Filters:
    """Filters and sort order of a list. Prices are in minor units. `ignored` has a message for each invalid parameter:
    it is left out and never breaks a page."""

    min_price: int | None = None
    max_price: int | None = None
    in_stock: bool = False
    sort: str = ""
    options: tuple[OptionFilter, ...] = ()
    ignored: tuple[str, ...] = ()


FILTERS = frozenset(("min_price", "max_price", "in_stock", "sort", "option"))
NO_FILTERS = Filters()


def read_filters(parameters: Mapping[str, str], currency: str, options: Sequence[str] = ()) -> Filters:
    """Parse the filters of a query string such as `?min_price=5&max_price=12.50&in_stock=1&sort=-price`, and its
    `option` parameters, of which there may be several."""
    if FILTERS.isdisjoint(parameters):
        return NO_FILTERS
    ignored: list[str] = []
    low, high = (read_price(parameters.get(name, ""), currency, ignored) for name in ("min_price", "max_price"))
    if low is not None and high is not None and low > high:
        ignored.append(_("The minimum price is higher than the maximum, so the price filter wasn't applied."))
        low = high = None
    stock, sort = parameters.get("in_stock", ""), parameters.get("sort", "")
    if stock not in ("", "0", "1"):
        ignored.append(_("The stock filter only accepts the value 1, so it wasn't applied."))
    if sort not in SORTS:
        ignored.append(_("This sort order isn't available. Showing the default order instead."))
    chosen, wrong = read_option_filters(options)
    for text in wrong:
        typed = cut(single_line(text), 20)
        ignored.append(_("“%(typed)s” isn't an option to filter by, so it wasn't applied.", typed=typed))
    return Filters(low, high, stock == "1", sort if sort in SORTS else "", chosen, tuple(ignored))


def read_price(text: str, currency: str, ignored: list[str]) -> int | None:
    """Parse a price, also with a decimal comma, to minor units; for an invalid one append a message to `ignored`."""
    text = single_line(text)
    try:
        return money.parse(text.replace(",", "."), currency) if text else None
    except ValueError:
        typed = cut(text, 20)
        ignored.append(
            _("“%(typed)s” isn't a valid price in %(currency)s, so it wasn't applied.", typed=typed, currency=currency)
        )
        return None


def format_decimal(amount: int, currency: str) -> str:
    """Format minor units as a plain decimal number with the currency's decimals: 12.50, 1800, 1.250."""
    return f"{Decimal(amount).scaleb(-money.minor_unit_digits(currency)):f}"
