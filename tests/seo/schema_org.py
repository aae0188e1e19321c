"""What search engines ask of structured data, as a table.

From Google's documentation (developers.google.com/search/docs/appearance/structured-data: merchant-listing, breadcrumb,
organization) and schema.org. A property's check says what its value must be; `!` marks those that must be there.
"""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

Check = Callable[[Any], bool]


def text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def address(value: Any) -> bool:
    """Absolute or relative to the page; nothing that runs or that leads to a host without saying how."""
    return text(value) and urlsplit(value).scheme in ("", "http", "https") and not value.startswith("//")


def number(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"\d+(\.\d+)?", value))


def of(*types: str) -> Check:
    return lambda value: isinstance(value, dict) and value.get("@type") in types and not faults(value)


def each(check: Check) -> Check:
    return lambda value: isinstance(value, list) and bool(value) and all(map(check, value))


def one_of(*values: str) -> Check:
    return lambda value: value in values


def reference(value: Any) -> bool:
    return isinstance(value, dict) and set(value) == {"@id"} and address(value["@id"])


PRICE: dict[str, Check] = {"price!": number, "priceCurrency!": lambda value: bool(re.fullmatch("[A-Z]{3}", value))}
SHAPES: dict[str, dict[str, Check]] = {
    "Product": {
        "@id": address, "name!": text, "sku!": text, "url!": address, "description": text, "category": text,
        "image": each(address), "brand": of("Brand"), "offers!": of("Offer"),
    },
    "Offer": {
        **PRICE, "url!": address, "seller": of("Organization"),
        "availability!": one_of("https://schema.org/InStock", "https://schema.org/OutOfStock"),
        "itemCondition": one_of("https://schema.org/NewCondition"),
        "priceSpecification": of("UnitPriceSpecification"),
    },
    "UnitPriceSpecification": {**PRICE, "valueAddedTaxIncluded": lambda value: isinstance(value, bool)},
    "Brand": {"name!": text},
    "Organization": {"@id": address, "name!": text, "url": address, "logo": address},
    "BreadcrumbList": {"itemListElement!": each(of("ListItem"))},
    "ListItem": {"position!": lambda value: isinstance(value, int), "name!": text, "item": address},
    "WebSite": {
        "@id": address, "name!": text, "url!": address, "inLanguage": text, "publisher": reference,
        "potentialAction": of("SearchAction"),
    },
    "SearchAction": {
        "target!": of("EntryPoint"), "query-input!": one_of("required name=search_term_string"),
    },
    "EntryPoint": {"urlTemplate!": lambda value: address(value) and "{search_term_string}" in value},
}  # fmt: skip


def faults(thing: dict[str, Any]) -> list[str]:
    """What is wrong with one thing: properties that are missing, unknown or of another kind."""
    kind = thing.get("@type", "")
    if kind not in SHAPES:
        return [f"nobody knows the type {kind!r}"]
    shape = {name.rstrip("!"): check for name, check in SHAPES[kind].items()}
    found = [f"{kind}.{name} is missing" for name in SHAPES[kind] if name.endswith("!") and name[:-1] not in thing]
    given = {name: value for name, value in thing.items() if name != "@type"}
    found += [f"{kind}.{name} is unknown" for name in given if name not in shape]
    return found + [
        f"{kind}.{name} is {given[name]!r}" for name in given if name in shape and not shape[name](given[name])
    ]


def in_order(crumbs: dict[str, Any]) -> bool:
    """The way has at least two steps, numbered from one, and only the last may lead nowhere."""
    items = crumbs["itemListElement"]
    places = [item["position"] for item in items] == list(range(1, len(items) + 1))
    return places and len(items) > 1 and all("item" in item for item in items[:-1])
