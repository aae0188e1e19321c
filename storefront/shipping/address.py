"""A postal address, checked by the rules of its country."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields

from storefront.errors import FieldError
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import has_control, has_visible, plain_code, single_line
from storefront.shipping.address_formats import AddressFormat, address_format, known_countries

MAX_LINE_LENGTH = 100
MAX_POSTAL_CODE_LENGTH = 20


@dataclass(frozen=True)
class Address:
    """A normalised address; fields that it doesn't have are empty. Create it with `check_address`."""

    line1: str
    line2: str
    postal_code: str
    city: str
    region: str
    country: str

    def stored(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}


ADDRESS_FIELDS = tuple(field.name for field in fields(Address))


def check_address(sent: Mapping[str, str]) -> tuple[Address, list[FieldError]]:
    """Return the normalised address, and what is wrong with it."""
    country = sent.get("country", "").strip().upper()
    if country not in known_countries():
        return Address("", "", "", "", "", country), [FieldError("country", _("Please choose a country."))]
    rules = address_format(country)
    values = {name: single_line(sent.get(name, "")) for name in ADDRESS_FIELDS} | {"country": country}
    values["postal_code"] = plain_code(values["postal_code"]).upper()
    values["region"] = rules.region_of(values["region"]) or values["region"]
    return Address(**values), list(address_errors(sent, values, rules))


def address_errors(sent: Mapping[str, str], values: Mapping[str, str], rules: AddressFormat) -> Iterator[FieldError]:
    """Yield the first error of each field."""
    for name in ADDRESS_FIELDS:
        value = values[name]
        longest = MAX_POSTAL_CODE_LENGTH if name == "postal_code" else MAX_LINE_LENGTH
        if has_control(sent.get(name, "")):
            yield FieldError(name, _("An address can't contain control characters."))
        elif len(value) > longest:
            yield FieldError(name, _("This can't be longer than %(most)s characters.", most=longest))
        elif name in rules.required and not has_visible(value):
            yield FieldError(name, missing_message(name))
        elif name == "postal_code" and value and rules.postal_code and not rules.postal_code.fullmatch(value):
            yield FieldError(name, postal_code_message(rules.postal_code_example))
        elif name == "region" and name in rules.required and rules.regions and not rules.region_of(value):
            yield FieldError(name, unknown_region_message(rules))


def missing_message(field: str) -> str:
    return {
        "line1": _("Please enter your street and house number."),
        "postal_code": _("Please enter your postal code."),
        "city": _("Please enter your town or city."),
        "region": _("Please choose your state or region."),
    }[field]


def unknown_region_message(rules: AddressFormat) -> str:
    """The page has a list to choose from, so this is for clients of the API."""
    values = ", ".join(value for value, _label in rules.regions)
    return _("We don't know this state or region. Please use one of these: %(values)s", values=values)


def postal_code_message(example: str) -> str:
    if not example:
        return _("Please enter a valid postal code.")
    return _("Please enter a valid postal code, for example %(example)s.", example=example)
