"""Reading `catalog.json` as JSON: what is wrong with the file itself, and where in it something stands."""

import json
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Any

KINDS = {"tenants": "tenant", "products": "product", "promotions": "promotion"}
"""What an entry of these lists is called, by its id or code; of any other list it is an entry with a number."""
Location = Sequence[int | str]


class CatalogError(ValueError):
    """A catalogue that can't be loaded. The message goes on after the name of the file, which whoever read it says, and
    names tenant, product (or promotion) and field of each fault."""


class Repeating(dict[str, Any]):
    """An object in which keys stand more than once; Python would keep the last value and say nothing."""

    repeated: list[str]


def parse_json(content: bytes) -> tuple[Any, list[str]]:
    """What the file holds, and its faults as far as JSON itself shows them. Raises `CatalogError` when it is no
    JSON."""
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
    except ValueError:  # Python reads no whole number of more than 4300 digits
        raise CatalogError("is not a valid catalogue: it contains a number that is too long.") from None
    return raw, list(repetitions(raw, raw, ())) if repeating else []


def refuse_constant(name: str) -> None:
    raise CatalogError(f"is not valid JSON: {name} is not a number.")


def repetitions(raw: Any, inside: Any, location: tuple[int | str, ...]) -> Iterator[str]:
    """Each key that stands more than once in its object, with its place in the file."""
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
    """Where in the file: ('tenants', 0, 'products', 3, 'stock') gives "tenant 'aurora', product 'mug', stock"."""
    words: list[str] = []
    listed_in = ""
    for step, following in zip_longest(location, location[1:]):
        if isinstance(step, str):
            listed_in = step
            if step and not (step in KINDS and isinstance(following, int)):
                words.append(step)
            raw = raw.get(step) if isinstance(raw, dict) else None
        else:
            raw = raw[step] if isinstance(raw, list) else None
            name = raw.get("id") or raw.get("code") if isinstance(raw, dict) else None
            kind = KINDS.get(listed_in, "entry")
            words.append(f"{kind} {name!r}" if isinstance(name, str) else f"{kind} number {step + 1}")
    return ", ".join(words) or "the file"
