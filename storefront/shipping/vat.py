"""VAT ids of businesses in the EU, and reverse charge. Only their form and check digits are examined: nobody is asked
whether they are registered, because that service is often unavailable."""

from stdnum.eu import vat

from storefront.tenants.countries import is_in_eu

MAX_VAT_ID_LENGTH = 30
COUNTRY_OF_PREFIX = {"EL": "GR"}
"""Where they differ."""


def normalize_vat_id(typed: str) -> str | None:
    """Return a VAT id without spaces and punctuation; None if its form or its check digits are wrong."""
    if len(typed) > MAX_VAT_ID_LENGTH or not typed.isascii():
        return None
    return str(vat.compact(typed)) if vat.is_valid(typed) else None


def is_reverse_charged(vat_id: str | None, destination: str | None, shop: str | None) -> bool:
    """Whether a business owes the tax: it is elsewhere in the EU than the shop, and so is the destination."""
    if vat_id is None:
        return False
    registered = COUNTRY_OF_PREFIX.get(vat_id[:2], vat_id[:2])
    return is_in_eu(shop) and is_in_eu(destination) and shop not in (destination, registered)
