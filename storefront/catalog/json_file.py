"""Parses `catalog.json`: reports JSON errors and repeated keys, and describes locations in the file."""

import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

from storefront.config import ConfigError

ENTRY_NAMES = {
    "tenants": "tenant",
    "products": "product",
    "promotions": "promotion",
    "variants": "variant",
    "shipping": "shipping method",
}
"""The names of entries of these lists, which are described by id or code; entries of other lists by number."""
Location = Sequence[int | str]


class CatalogError(ConfigError):
    """A catalogue that can't be imported. The message continues the name of the file, which the caller adds, and names
    tenant, product (or promotion) and field of each error."""


class Repeating(dict[str, Any]):
    """A JSON object with repeated keys; Python's parser would silently keep the last value."""

    repeated: list[str]


def parse_json(content: bytes) -> tuple[Any, list[str]]:
    """Return the parsed file, and messages about repeated keys. Raises `CatalogError` if it isn't valid JSON."""
    repeating: list[Repeating] = []

    def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            found = Repeating(found)
            found.repeated = [name for name in found if names.count(name) > 1]
            repeating.append(found)
        return found

    try:
        raw = json.loads(content, object_pairs_hook=read_object, parse_constant=refuse_constant)
    except json.JSONDecodeError as fault:
        raise CatalogError(f"is not valid JSON: line {fault.lineno}, column {fault.colno}.") from None
    except UnicodeDecodeError as fault:
        raise CatalogError(f"is not valid UTF-8: byte {fault.start} can't be decoded.") from None
    except RecursionError:
        raise CatalogError("is not a valid catalogue: it is nested too deeply.") from None
    except CatalogError:
        raise
    except ValueError:  # Python parses no integer of more than 4300 digits
        raise CatalogError("is not a valid catalogue: it contains a number that is too long.") from None
    return raw, list(repetitions(raw, raw, ())) if repeating else []


def refuse_constant(name: str) -> None:
    raise CatalogError(f"is not valid JSON: {name} is not a number.")


def repetitions(raw: Any, inside: Any, location: tuple[int | str, ...]) -> Iterator[str]:
    """Yield a message for each repeated key, with its location in the file."""
    if isinstance(inside, Repeating):
        yield from (
            f"{describe_location(raw, location)}: the key {name!r} is given more than once" for name in inside.repeated
        )
    if isinstance(inside, dict):
        inside = inside.items()
    elif isinstance(inside, list):
        inside = enumerate(inside)
    else:
        return
    for step, value in inside:
        yield from repetitions(raw, value, (*location, step))


def describe_location(raw: Any, location: Location) -> str:
    """Describe a location in the file: ('tenants', 0, 'products', 3, 'stock') gives "tenant 'aurora', product 'mug',
    stock"."""
    parts: list[str] = []
    listed_in = ""
    for step, following in zip_longest(location, location[1:]):
        if isinstance(step, str):
            listed_in = step
            if step not in ("", "[key]") and not (step in ENTRY_NAMES and isinstance(following, int)):
                parts.append(step)
            raw = raw.get(step) if isinstance(raw, dict) else None
        else:
            raw = raw[step] if isinstance(raw, list) else None
            name = raw.get("id") or raw.get("code") if isinstance(raw, dict) else None
            entry_name = ENTRY_NAMES.get(listed_in, "entry")
            parts.append(f"{entry_name} {name!r}" if isinstance(name, str) else f"{entry_name} number {step + 1}")
    return ", ".join(parts) or "the file"
