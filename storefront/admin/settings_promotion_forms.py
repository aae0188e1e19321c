"""The form of a promotion: its values as texts, and what is typed as an entry of a catalogue file."""

from collections.abc import Mapping
from typing import Any

from storefront.admin.settings_forms import Values, checked, schema_faults, text_of
from storefront.admin.settings_reader import Reader, flag, price_field
from storefront.catalog.selling_schema import PromotionSetting, promotion_errors
from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import plain_code
from storefront.tenants.settings import TenantSettings

PERCENT, AMOUNT, FREE_SHIPPING = "percent", "amount", "free_shipping"
NUMBERS = ("limit", "per_customer")
FIELDS = ("code", "kind", PERCENT, AMOUNT, "min_subtotal", "from", "until", *NUMBERS, "automatic")
NEW: Mapping[str, str] = {**dict.fromkeys(FIELDS, ""), "kind": PERCENT}


def promotion_values(tenant: TenantSettings, entry: Mapping[str, Any]) -> dict[str, str]:
    """Return a stored promotion's values by field."""
    kind = FREE_SHIPPING if entry.get("free_shipping") else AMOUNT if entry.get("amount") is not None else PERCENT
    return {
        "code": entry["code"],
        "kind": kind,
        PERCENT: entry.get("percent") or "",
        AMOUNT: price_field(entry.get("amount"), tenant.currency),
        "min_subtotal": price_field(entry.get("min_subtotal"), tenant.currency),
        "from": entry.get("from") or "",
        "until": entry.get("until") or "",
        **{name: "" if entry.get(name) is None else str(entry[name]) for name in NUMBERS},
        "automatic": flag(entry.get("automatic")),
    }


def typed_promotion() -> dict[str, str]:
    """Return the values of the sent form."""
    typed = {name: text_of(name) for name in FIELDS}
    return typed | {
        "code": plain_code(typed["code"]),
        PERCENT: typed[PERCENT].replace(",", ".").removesuffix("%").strip(),
    }


def promotion_entry(tenant: TenantSettings, values: Values) -> dict[str, Any]:
    """Return the promotion as a catalogue file has it. What belongs to another kind of promotion is left out. Raises
    `Invalid`."""
    reader, kind = Reader(tenant, values), values["kind"]
    sent = {
        "code": values["code"],
        "percent": values[PERCENT] if kind == PERCENT else None,
        "amount": reader.amount(AMOUNT) if kind == AMOUNT else None,
        "free_shipping": kind == FREE_SHIPPING,
        "from": values["from"] or None,
        "until": values["until"] or None,
        "min_subtotal": reader.amount("min_subtotal"),
        **{name: reader.whole(name) for name in NUMBERS},
        "automatic": bool(values["automatic"]),
    }
    if kind == AMOUNT and not values[AMOUNT]:
        reader.faults.append(FieldError(AMOUNT, _("Enter an amount.")))
    if reader.faults:
        raise Invalid(*reader.faults)
    found = checked(PromotionSetting, sent, promotion_labels(), promotion_messages())
    schema_faults(list(promotion_errors(found, tenant.currency)), promotion_messages())
    return found.model_dump(mode="json", by_alias=True)


def promotion_labels() -> dict[str, str]:
    return {"limit": _("Uses in all"), "per_customer": _("Uses by each customer")}


def promotion_messages() -> dict[str, str]:
    day = _("Enter a day of the calendar.")
    return {
        "code": _("Use 1 to 40 letters from A to Z, digits, hyphens and underscores."),
        "percent": _("Enter a percentage above 0, and at most 100, such as 20 or 8.875."),
        "amount": _("Enter an amount above 0."),
        "from": day,
        "until": _("Enter a day that is not before the first."),
    }
