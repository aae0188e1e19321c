"""Numbers and switches of settings: as fields show them, and read from what was typed."""

from typing import Any

from storefront import money
from storefront.admin.product_forms import read_amount, read_whole
from storefront.admin.settings_forms import Values
from storefront.catalog.filters import format_decimal
from storefront.errors import FieldError, Invalid
from storefront.i18n.formatting import format_price_field
from storefront.tenants.settings import TenantSettings


def price_field(text: str | None, currency: str) -> str:
    """Return an amount of a catalogue file as a field shows it."""
    return "" if text is None else format_price_field(money.parse(text, currency), currency)


def flag(value: Any) -> str:
    return "true" if value else ""


class Reader:
    """Reads the numbers of a form, and gathers what is wrong with them."""

    def __init__(self, tenant: TenantSettings, values: Values) -> None:
        self.tenant, self.values = tenant, values
        self.faults: list[FieldError] = []

    def money(self, field: str, text: str) -> str | None:
        """Return an amount as a catalogue file has it."""
        try:
            return format_decimal(read_amount(field, text, self.tenant.currency), self.tenant.currency)
        except Invalid as fault:
            self.faults += fault.field_errors
            return None

    def number(self, field: str, text: str) -> int | None:
        try:
            return read_whole(field, text)
        except Invalid as fault:
            self.faults += fault.field_errors
            return None

    def amount(self, field: str, empty: str | None = None) -> str | None:
        return self.money(field, self.values[field]) if self.values[field] else empty

    def whole(self, field: str) -> int | None:
        return self.number(field, self.values[field]) if self.values[field] else None
