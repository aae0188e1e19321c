"""Numbers in the back office's query strings and forms, none larger than the database takes."""

from flask import request

MAX_POSITION = 2**63 - 1
MAX_DIGITS = 19
"""Of `MAX_POSITION`."""


def parse_position(text: str) -> int | None:
    """Return a position below `MAX_POSITION`; None for any other text."""
    found = int(text) if text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS else None
    return found if found is None or found < MAX_POSITION else None


def position(name: str) -> int | None:
    """Return the position in the query string at which a page begins; None if there is none."""
    return parse_position(request.args.get(name, ""))
