"""The form of a shipping method: its values as texts, and what is typed as an entry of a catalogue file."""

from collections.abc import Mapping
from typing import Any

from flask import request

from storefront import money
from storefront.admin.product_forms import other_languages, slug
from storefront.admin.settings_forms import Values, checked, rows_of, schema_faults, split_rows, text_of
from storefront.admin.settings_reader import Reader, flag, price_field
from storefront.catalog.selling_schema import ShippingSetting, method_errors
from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.tenants.settings import TenantSettings
from storefront.tenants.shipping_methods import PICKUP

TEXTS = ("price", "free_from", "step_by", "max_weight", "days_from", "days_until", "pickup", "default")
SPARE_ROWS, MAX_ROWS = 3, 50
MAX_ID_LENGTH = 40
WEIGHT, SUBTOTAL = "weight", "subtotal"
NEW: Mapping[str, str] = {"step_by": WEIGHT, "price": ""}
Entry = Mapping[str, Any]


def own_language(tenant: TenantSettings) -> str:
    return money.parse_locale(tenant.locale).language


def method_values(tenant: TenantSettings, entry: Entry) -> dict[str, str]:
    """Return a stored method's values by field."""
    name, steps, days = entry["name"], entry.get("steps") or [], entry.get("days") or ("", "")
    names = name if isinstance(name, Mapping) else {own_language(tenant): name}
    by_weight = all(step.get("from_subtotal") is None for step in steps)
    pickup = entry.get("pickup")
    values = {
        "name": names.get(own_language(tenant), ""),
        "price": price_field(entry["price"], tenant.currency),
        "free_from": price_field(entry.get("free_from"), tenant.currency),
        "step_by": WEIGHT if by_weight else SUBTOTAL,
        "steps": "\n".join(
            f"{bound_field(tenant, step)}\t{price_field(step['price'], tenant.currency)}" for step in steps
        ),
        "max_weight": "" if entry.get("max_weight") is None else str(entry["max_weight"]),
        "countries": " ".join(sorted(entry.get("countries") or ())),
        "days_from": str(days[0]),
        "days_until": str(days[1]),
        "pickup": flag(entry["id"] == PICKUP if pickup is None else pickup),
        "default": flag(entry.get("default")),
    }
    return values | {f"name_{language}": names.get(language, "") for language in other_languages(tenant)}


def bound_field(tenant: TenantSettings, step: Entry) -> str:
    weight = step.get("from_weight")
    return str(weight) if weight is not None else price_field(step.get("from_subtotal"), tenant.currency)


def typed_method(tenant: TenantSettings) -> dict[str, str]:
    """Return the values of the sent form."""
    names = ("name", *(f"name_{language}" for language in other_languages(tenant)))
    texts = {name: " ".join(text_of(name).split()) for name in (*names, *TEXTS)}
    return texts | {
        "steps": rows_of("step_from", "step_price", count=MAX_ROWS),
        "countries": " ".join(sorted(set(request.form.getlist("countries")))),
    }


def method_entry(tenant: TenantSettings, method_id: str, values: Values) -> dict[str, Any]:
    """Return the method as a catalogue file has it. Raises `Invalid`."""
    reader = Reader(tenant, values)
    texts = {own_language(tenant): values["name"]} | {
        language: values[f"name_{language}"] for language in other_languages(tenant) if values[f"name_{language}"]
    }
    sent: dict[str, Any] = {
        "id": method_id,
        "name": values["name"] if len(texts) == 1 else texts,
        "price": reader.amount("price", "0"),
        "free_from": reader.amount("free_from"),
        "steps": read_steps(reader),
        "max_weight": reader.whole("max_weight"),
        "days": read_days(reader),
        "pickup": bool(values["pickup"]),
        "default": bool(values["default"]),
    }
    if values["countries"]:
        sent["countries"] = values["countries"].split()
    if not values["name"]:
        reader.faults.append(FieldError("name", _("Enter a name, such as Standard.")))
    if reader.faults:
        raise Invalid(*reader.faults)
    found = checked(ShippingSetting, sent, method_labels(), method_messages())
    schema_faults(list(method_errors(found, tenant.currency)), method_messages())
    return found.model_dump(mode="json")


def read_days(reader: Reader) -> list[int] | None:
    """Return the fewest and the most days; a single one is both."""
    first, last = reader.whole("days_from"), reader.whole("days_until")
    given = [day for day in (first, last) if day is not None]
    return [given[0], given[-1]] if given else None


def read_steps(reader: Reader) -> list[dict[str, Any]]:
    by_weight, found = reader.values["step_by"] != SUBTOTAL, []
    for number, (bound, price) in enumerate(split_rows(reader.values["steps"])):
        field = f"step_from_{number}"
        step = {"price": reader.money(f"step_price_{number}", price)}
        if by_weight:
            found.append({"from_weight": reader.number(field, bound), **step})
        else:
            found.append({"from_subtotal": reader.money(field, bound), **step})
    return found


def method_labels() -> dict[str, str]:
    return {"name": _("Name"), "max_weight": _("Heaviest parcel"), "steps": _("Steps"), "days": _("Days")}


def method_messages() -> dict[str, str]:
    return {
        "name": _("This text can't contain control characters."),
        "countries": _("Choose countries from the list."),
        "days": _("The first number of days must not be greater than the second."),
        "steps": _("Each step must begin at more than the one before."),
    }


def new_method_id(values: Values, taken: list[str]) -> str:
    """Return an id made from the method's name that no other method has."""
    wanted = (PICKUP if values["pickup"] else slug(values["name"]))[:MAX_ID_LENGTH]
    names = [wanted, *(f"{wanted[: MAX_ID_LENGTH - 4]}-{number}" for number in range(2, 100))]
    return next(name for name in names if name not in (*taken, "new"))
