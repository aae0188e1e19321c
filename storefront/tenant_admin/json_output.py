"""Writes JSON with long lists entry by entry, so that a large shop's export needs little memory."""

import json
from collections.abc import Iterable
from typing import Any, TextIO


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def write_list(file: TextIO, entries: Iterable[Any], indent: str = "") -> None:
    """Write a list with an entry a line."""
    file.write("[")
    separator = "\n"
    for entry in entries:
        file.write(f"{separator}{indent} {to_json(entry)}")
        separator = ",\n"
    file.write(f"\n{indent}]")


def write_shop(file: TextIO, tenant: dict[str, Any], products: Iterable[Any], orders: Iterable[Any] | None) -> None:
    """Write a catalogue of one shop; with `orders`, which `catalog load` leaves out, beside it."""
    head = to_json(tenant)
    file.write('{"tenants": [\n ' + head[:-1] + ', "products": ')
    write_list(file, products, " ")
    file.write("}\n]")
    if orders is not None:
        file.write(', "orders": ')
        write_list(file, orders)
    file.write("}\n")
