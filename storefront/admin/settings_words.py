"""Settings in words: their sections, the fields in events, and countries."""

from collections.abc import Mapping
from typing import NamedTuple

from flask import url_for

from storefront.i18n.gettext import N_, _
from storefront.shipping.address_formats import country_name, known_countries
from storefront.tenants.legal import LEGAL_PAGE_NAMES


class SettingsSection(NamedTuple):
    """A section of the settings: its page, its name, and what one sets there."""

    endpoint: str
    name: str
    text: str


SECTIONS: Mapping[str, SettingsSection] = {
    "shop": SettingsSection(
        "admin.shop_settings", N_("Shop and contact"), N_("Country, time zone, email, address and tax number.")
    ),
    "legal": SettingsSection(
        "admin.legal_settings", N_("Legal texts"), N_("Legal notice, terms, privacy policy and right of withdrawal.")
    ),
    "shipping": SettingsSection(
        "admin.shipping_settings", N_("Shipping"), N_("Methods with prices, countries and days; pick-up.")
    ),
    "tax": SettingsSection("admin.tax_settings", N_("Tax"), N_("Rates, classes of products, and other countries.")),
    "promotions": SettingsSection(
        "admin.promotion_settings", N_("Promotions"), N_("Discounts and free shipping, by a code or for everybody.")
    ),
    "payment": SettingsSection(
        "admin.payment_settings", N_("Payment"), N_("Ways to pay, bank account, and your Stripe keys.")
    ),
}
"""By the subject of the events about it."""
SETTING_NAMES: Mapping[str, str] = {
    "country": N_("Country"),
    "shipping": N_("Shipping methods"),
    "promotions": N_("Promotions"),
    "rate": N_("Main rate in percent"),
    "included": N_("Prices include tax"),
    "classes": N_("Classes of products"),
    "countries": N_("Countries"),
    "timezone": N_("Time zone"),
    "company": N_("Name of the business"),
    "vat_id": N_("VAT number or tax number"),
    "phone": N_("Phone"),
    "address": N_("Address"),
    **{page.value: name for page, name in LEGAL_PAGE_NAMES.items()},
    "free_from": N_("Free from"),
    "steps": N_("Steps"),
    "max_weight": N_("Heaviest parcel"),
    "days": N_("Days"),
    "pickup": N_("Pick-up"),
    "default": N_("Default"),
    "percent": N_("Percentage"),
    "free_shipping": N_("Free shipping"),
    "min_subtotal": N_("For orders of at least"),
    "from": N_("First day"),
    "until": N_("Last day"),
    "limit": N_("Uses in all"),
    "per_customer": N_("Uses by each customer"),
    "automatic": N_("Apply without the code"),
    "bank_account": N_("Bank account"),
    "transfer_days": N_("Days for a transfer"),
    "stripe_secret_key": N_("Secret key"),
    "stripe_webhook_secret": N_("Signing secret"),
}


def settings_subject(section: str) -> tuple[str, str]:
    """Return the name of the section that an event is about, and the URL of its page; empty if it has none."""
    found = SECTIONS.get(section)
    return (_(found.name), url_for(found.endpoint)) if found else (section, "")


def country_choices() -> dict[str, str]:
    """Return the countries by code, with their names in the reader's language, in the order of the names."""
    return dict(sorted(((code, country_name(code)) for code in known_countries()), key=lambda one: one[1].casefold()))
