"""The properties that search engines require and accept in structured data, as a table.

From Google's documentation (developers.google.com/search/docs/appearance/structured-data: merchant-listing, breadcrumb,
organization) and schema.org. A property's check validates its value; `!` marks required properties.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def url(value: Any) -> bool:
    """Return whether this is an absolute URL with http(s) or one relative to the page, and not scheme-relative."""
    return text(value) and urlsplit(value).scheme in ("", "http", "https") and not value.startswith("//")


def number(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\d+(\.\d+)?", value))


def is_thing(*types: str) -> Check:
    return lambda value: isinstance(value, dict) and value.get("@type") in types and not schema_errors(value)


def list_of(check: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(map(check, value))


def one_of(*values: str) -> Check:
    return lambda value: value in values


def reference(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"@id"} and url(value["@id"])


PRICE: dict[str, Check] = {"price!": number, "priceCurrency!": lambda value: bool(re.fullmatch("[A-Z]{3}", value))}
TYPES: dict[str, dict[str, Check]] = {
    "Product": {
        "@id": url, "name!": text, "sku!": text, "url!": url, "description": text, "category": text,
        "image": list_of(url), "brand": is_thing("Brand"), "offers!": is_thing("Offer"),
    },
    "Offer": {
        **PRICE, "url!": url, "seller": is_thing("Organization"),
        "availability!": one_of("https://schema.org/InStock", "https://schema.org/OutOfStock"),
        "itemCondition": one_of("https://schema.org/NewCondition"),
        "priceSpecification": is_thing("UnitPriceSpecification"),
    },
    "UnitPriceSpecification": {**PRICE, "valueAddedTaxIncluded": lambda value: isinstance(value, bool)},
    "Brand": {"name!": text},
    "Organization": {"@id": url, "name!": text, "url": url, "logo": url},
    "BreadcrumbList": {"itemListElement!": list_of(is_thing("ListItem"))},
    "ListItem": {"position!": lambda value: isinstance(value, int), "name!": text, "item": url},
    "WebSite": {
        "@id": url, "name!": text, "url!": url, "inLanguage": text, "publisher": reference,
        "potentialAction": is_thing("SearchAction"),
    },
    "SearchAction": {
        "target!": is_thing("EntryPoint"), "query-input!": one_of("required name=search_term_string"),
    },
    "EntryPoint": {"urlTemplate!": lambda value: url(value) and "{search_term_string}" in value},
}  # fmt: skip


def schema_errors(thing: dict[str, Any]) -> list[str]:
    """Return the errors of one thing: missing, unknown and invalid properties."""
    type_name = thing.get("@type", "")
    if type_name not in TYPES:
        return [f"unknown type {type_name!r}"]
    checks = {name.rstrip("!"): check for name, check in TYPES[type_name].items()}
    found = [
        f"{type_name}.{name} is missing" for name in TYPES[type_name] if name.endswith("!") and name[:-1] not in thing
    ]
    properties = {name: value for name, value in thing.items() if name != "@type"}
    found += [f"{type_name}.{name} is unknown" for name in properties if name not in checks]
    return found + [
        f"{type_name}.{name} is {properties[name]!r}"
        for name in properties
        if name in checks and not checks[name](properties[name])
    ]


def is_valid_breadcrumb(crumbs: dict[str, Any]) -> bool:
    """Return whether there are at least two items, numbered from one, of which only the last may have no URL."""
    items = crumbs["itemListElement"]
    numbered = [item["position"] for item in items] == list(range(1, len(items) + 1))
    return numbered and len(items) > 1 and all("item" in item for item in items[:-1])
