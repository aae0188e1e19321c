"""The fields of a product's form that decide what it costs to send and how it is taxed."""

from collections.abc import Mapping
from typing import Any

from storefront.catalog.models import Product
from storefront.catalog.selling_schema import MAX_WEIGHT
from storefront.errors import FieldError, Invalid
from storefront.i18n.formatting import format_integer
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import single_line
from storefront.tenants.settings import TenantSettings


def selling_values(row: Product) -> dict[str, str]:
    """Return a product's values as its form shows them."""
    return {"tax_class": row.tax_class or "", "weight": "" if row.weight is None else str(row.weight)}


def read_selling(form: Mapping[str, str], prefix: str = "") -> dict[str, Any]:
    """Return the columns of the fields that were sent. Raises `Invalid`."""
    found: dict[str, Any] = {}
    if (tax_class := form.get(prefix + "tax_class")) is not None:
        found["tax_class"] = tax_class or None
    if (weight := form.get(prefix + "weight")) is not None:
        found["weight"] = read_weight(single_line(weight))
    return found


def read_weight(text: str) -> int | None:
    """Parse a weight in grams; None for an empty text. Raises `Invalid`."""
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) <= len(str(MAX_WEIGHT)) and int(text) <= MAX_WEIGHT:
        return int(text)
    message = _("Enter whole grams, at most %(most)s.", most=format_integer(MAX_WEIGHT))
    raise Invalid(FieldError("weight", message))


def check_tax_class(tenant: TenantSettings, changes: Mapping[str, Any]) -> None:
    """Raises `Invalid` if a product is moved to a class that the shop doesn't have."""
    tax_class = changes.get("tax_class")
    if tax_class and (tenant.tax is None or tax_class not in tenant.tax.classes):
        raise Invalid(FieldError("tax_class", _("Choose one of the shop's tax classes.")))


def tax_class_choices(tenant: TenantSettings, row: Product) -> dict[str, str]:
    """Return the classes to choose from, with their names; none in a shop without classes. The product's own is among
    them, even if the shop doesn't have it any more."""
    names = [*(tenant.tax.classes if tenant.tax else ())]
    if row.tax_class and row.tax_class not in names:
        names.append(row.tax_class)
    return {"": _("Main rate")} | {name: name for name in names} if names else {}
