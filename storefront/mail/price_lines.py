"""The steps of an order's price as lines of a mail."""

from typing import TYPE_CHECKING

from storefront.i18n.formatting import format_money, format_percent
from storefront.i18n.gettext import _

if TYPE_CHECKING:
    from storefront.pricing.calculator import Price


def price_rows(price: "Price") -> list[tuple[str, str]]:
    """Return label and amount of each step; the total is the last."""
    rows = [(_("Subtotal"), format_money(price.subtotal))]
    if price.discount:
        label = f"{_('Discount')} {price.promo_code}" if price.promo_code else _("Discount")
        rows.append((label, "−" + format_money(price.discount)))
    if price.tax and not price.tax_included and price.tax_rate is not None:
        rows.append((_("Tax (%(rate)s)", rate=format_percent(price.tax_rate)), format_money(price.tax)))
    return [*rows, (_("Total"), format_money(price.total))]


def tax_row(price: "Price") -> str:
    """Return the line about tax that the total contains; empty without any."""
    if not (price.tax and price.tax_included and price.tax_rate is not None):
        return ""
    return f"{_('Includes %(rate)s tax', rate=format_percent(price.tax_rate))}: {format_money(price.tax)}"
