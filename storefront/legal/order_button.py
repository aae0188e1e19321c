"""The words on the button that places an order.

Directive 2011/83/EU, article 8(2), has the button say "order with obligation to pay" and nothing else, or a formulation
that is as clear; without it, a consumer isn't bound. "Place order" isn't clear enough. The directive is full
harmonisation, and therefore law in the whole EU: in Germany as section 312j (3) BGB, in Austria as section 8 (2) FAGG,
each of which gives the words. It is also law in the EEA, and in the United Kingdom (Consumer Contracts Regulations
2013, regulation 14). The shop's own `country` decides: it is where the shop is held to it."""

from storefront.i18n.gettext import _
from storefront.tenants.countries import is_in_eu

OUTSIDE_THE_EU = frozenset(("GB", "IS", "LI", "NO"))


def requires_order_wording(country: str | None) -> bool:
    """Whether the law of the shop's country gives the words of the button, and where the order's summary stands."""
    return is_in_eu(country) or country in OUTSIDE_THE_EU


def order_button_text(country: str | None) -> str:
    return _("Order with obligation to pay") if requires_order_wording(country) else _("Place order")
