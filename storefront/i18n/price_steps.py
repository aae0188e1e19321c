"""The steps of an order's price in words, for mails and documents."""

from typing import TYPE_CHECKING

from storefront.i18n.formatting import format_money, format_percent
from storefront.i18n.gettext import _

if TYPE_CHECKING:
    from storefront.pricing.price import Price


def price_steps(price: "Price", shipping_name: str | None) -> list[tuple[str, str]]:
    """Return label and amount of each step; the total is the last."""
    steps = [(_("Subtotal"), format_money(price.subtotal))]
    code = f" {price.applied_code}" if price.applied_code else ""
    if price.discount:
        steps.append((_("Discount") + code, "−" + format_money(price.discount)))
    if shipping_name or price.shipping:
        amount = format_money(price.shipping) if price.shipping else _("Free")
        label = shipping_label(shipping_name)
        steps.append((label if price.discount else label + code, amount))  # without a discount, it gave free shipping
    if not price.tax_included:
        steps += [(_("Tax (%(rate)s)", rate=rate), amount) for rate, amount in taxes(price)]
    if price.reverse_charge:
        steps.append((_("Tax"), _("Reverse charge")))
    return [*steps, (_("Total"), format_money(price.total))]


def shipping_label(shipping_name: str | None) -> str:
    return f"{_('Shipping')} ({shipping_name})" if shipping_name else _("Shipping")


def other_step(amount: int) -> tuple[str, str]:
    """Return label and amount of what belongs to no item: more than these cost, or less if it is negative."""
    if amount < 0:
        return _("Deduction"), "−" + format_money(-amount)
    return _("Other amount"), format_money(amount)


def included_taxes(price: "Price") -> list[str]:
    """Return a line about each tax that the total contains."""
    if not price.tax_included:
        return []
    return [f"{_('Includes %(rate)s tax', rate=rate)}: {amount}" for rate, amount in taxes(price)]


def taxes(price: "Price") -> list[tuple[str, str]]:
    """Return rate and amount of each tax."""
    return [(format_percent(line.rate), format_money(line.amount)) for line in price.tax_lines if line.amount]
