"""JSON that somebody else wrote: one that is nested deeply is refused like one that isn't JSON, as Python would fail
somewhere on the way through it, and not always at the same depth."""

import json
from typing import Any

MAX_LEVELS = 100
"""Nothing that the shop reads has more than about ten."""


def read_json(content: str | bytes) -> Any:
    """Return the value. Raises `ValueError`."""
    try:
        value = json.loads(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    check_levels(value)
    return value


def check_levels(value: object) -> None:
    """Raises `ValueError` for a value with more than `MAX_LEVELS` levels."""
    level: list[object] = [value]
    for _ in range(MAX_LEVELS + 1):
        level = [inner for outer in level for inner in inside(outer)]
        if not level:
            return
    raise ValueError("nested too deeply")


def inside(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
