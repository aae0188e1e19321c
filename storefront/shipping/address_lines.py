"""A postal address as it is printed: in the lines of its country's post, with all that is stored of it."""

import re
import unicodedata
from collections.abc import Mapping

from storefront.shipping.address_formats import address_format, country_name

PLACES: Mapping[str, str] = {"city": "%C", "region": "%S", "postal_code": "%Z"}
"""Where a layout has a field."""


def address_lines(address: Mapping[str, str]) -> list[str]:
    """Return a stored address in the lines of its country's post, the last of which is the country, in the shopper's
    language."""
    rules = address_format(address["country"])
    if is_latin("".join(address.values())):
        layout = re.sub(r"(?<=%[CSDZ])(?=%)", " ", rules.latin_layout)
    else:
        layout = rules.layout
    layout = with_places(layout, address)
    street = "\n".join(filter(None, (address.get("line1"), address.get("line2"))))
    values = {"%A": street} | {place: address.get(name, "") for name, place in PLACES.items()}
    filled = re.sub(r"%.", lambda found: values.get(found[0], ""), layout)
    lines = (" ".join(line.split()).strip(" ,-") for line in filled.splitlines())
    return [*filter(None, lines), country_name(address["country"])]


def is_latin(text: str) -> bool:
    """Whether all letters of the text are Latin."""
    return text.isascii() or all(unicodedata.name(one, "").startswith("LATIN") for one in text if one.isalpha())


def with_places(layout: str, address: Mapping[str, str]) -> str:
    """Return the layout with a line for each field of the address that it has no place for, as the city in Japan: the
    city between street and region, the region after the city, the postal code last. What stands there already, as
    "SINGAPORE", isn't repeated."""
    said = set(re.findall(r"\w+", re.sub(r"%.", " ", layout).casefold()))
    said |= {address.get(name, "").casefold() for name, place in PLACES.items() if place in layout}
    for name, place in PLACES.items():
        value = address.get(name, "").casefold()
        if value and place not in layout and value not in said:
            layout = with_place(layout, place)
            said.add(value)
    return layout


def with_place(layout: str, place: str) -> str:
    """Return the layout with another line, for this place."""
    if place == "%Z":
        return f"{layout}\n%Z"
    if place == "%C":
        is_largest_first = 0 <= layout.find("%S") < layout.find("%A")
        return layout.replace("%A", "%C\n%A" if is_largest_first else "%A\n%C")
    before = "%C" if "%C" in layout else "%A"
    return re.sub(f"({before}.*)", r"\1\n%S", layout)
