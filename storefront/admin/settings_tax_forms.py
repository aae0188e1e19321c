"""The form of a shop's tax: its values as texts, and what is typed as a catalogue file has it."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from storefront.admin.settings_forms import Values, rows_of, split_rows, text_of
from storefront.catalog.selling_schema import TaxRatesSetting, TaxSetting
from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.shipping.address_formats import known_countries

NONE, ADDED, INCLUDED = "none", "added", "included"
FIELDS = ("kind", "rate", "classes", "countries")
MAX_CLASSES, MAX_COUNTRIES = 20, 250
Rates = Mapping[str, Any]


def tax_values(tax: Rates | None) -> dict[str, str]:
    """Return the stored tax by field; a row of classes or countries is a line with values separated by tabs."""
    if tax is None:
        return {"kind": NONE, "rate": "", "classes": "", "countries": ""}
    countries = tax.get("countries") or {}
    return {
        "kind": INCLUDED if tax["included"] else ADDED,
        "rate": tax["rate"],
        "classes": "\n".join(f"{name}\t{rate}" for name, rate in (tax.get("classes") or {}).items()),
        "countries": "\n".join(
            f"{country}\t{rates['rate']}\t{class_text(rates.get('classes') or {})}"
            for country, rates in countries.items()
        ),
    }


def class_text(classes: Rates) -> str:
    """Return the rates of classes as one field shows them: "reduced 7, books 0"."""
    return ", ".join(f"{name} {rate}" for name, rate in classes.items())


def typed_tax() -> dict[str, str]:
    """Return the values of the sent form."""
    return {
        "kind": text_of("kind"),
        "rate": percent(text_of("rate")),
        "classes": rows_of("class_name", "class_rate", count=MAX_CLASSES),
        "countries": rows_of("country", "country_rate", "country_classes", count=MAX_COUNTRIES),
    }


def percent(text: str) -> str:
    """Return a percentage as a catalogue file has it; people also type a comma, and the sign."""
    return text.strip().removesuffix("%").strip().replace(",", ".")


def tax_setting(values: Values) -> dict[str, Any] | None:
    """Return the tax as a catalogue file has it; None for none. Raises `Invalid`."""
    if values["kind"] == NONE:
        return None
    faults: list[FieldError] = []
    if values["kind"] not in (ADDED, INCLUDED):
        faults.append(FieldError("kind", _("Choose whether prices include tax.")))
    classes = read_classes(values, faults)
    countries = read_countries(values, set(classes), faults)
    if is_wrong({"rate": values["rate"]}):
        faults.insert(0, FieldError("rate", percent_message()))
    if faults:
        raise Invalid(*faults)
    sent = {"rate": values["rate"], "included": values["kind"] == INCLUDED, "classes": classes, "countries": countries}
    return TaxSetting.model_validate(sent).model_dump(mode="json")


def percent_message() -> str:
    return _("Enter a percentage from 0 to 100, such as 20 or 8.875.")


def is_wrong(rates: Rates) -> bool:
    """Whether the schema refuses these rates."""
    try:
        TaxRatesSetting.model_validate(rates)
    except ValidationError:
        return True
    return False


def read_classes(values: Values, faults: list[FieldError]) -> dict[str, str]:
    found: dict[str, str] = {}
    for number, (typed_name, typed_rate) in enumerate(split_rows(values["classes"])):
        name, rate = typed_name.lower(), percent(typed_rate)
        if is_wrong({"rate": "0", "classes": {name: "0"}}):
            message = _("Name it with 1 to 40 letters from a to z, digits, hyphens and underscores.")
            faults.append(FieldError(f"class_name_{number}", message))
        elif name in found:
            faults.append(FieldError(f"class_name_{number}", _("“%(text)s” is there twice.", text=name)))
        if is_wrong({"rate": rate}):
            faults.append(FieldError(f"class_rate_{number}", percent_message()))
        found[name] = rate
    return found


def read_countries(values: Values, known: set[str], faults: list[FieldError]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, (country, typed_rate, classes) in enumerate(split_rows(values["countries"])):
        field, rate = f"country_{number}", percent(typed_rate)
        rates = {name.lower(): percent(one) for name, one in map(name_and_rate, filter(None, classes.split(",")))}
        if not country or country in found:
            faults.append(FieldError(field, _("Choose each country once.")))
        elif country not in known_countries():
            faults.append(FieldError(field, _("Choose a country from the list.")))
        if is_wrong({"rate": rate}):
            faults.append(FieldError(f"country_rate_{number}", percent_message()))
        if set(rates) - known:
            message = _("Use the classes above, as in: %(example)s.", example=f"{min(known, default='reduced')} 7")
            faults.append(FieldError(f"country_classes_{number}", message))
        elif is_wrong({"rate": "0", "classes": rates}):
            faults.append(FieldError(f"country_classes_{number}", percent_message()))
        found[country] = {"rate": rate, "classes": rates}
    return found


def name_and_rate(text: str) -> tuple[str, str]:
    name, _space, rate = text.strip().rpartition(" ")
    return name.strip(" :"), rate
