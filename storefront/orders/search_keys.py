"""The keys by which the staff find an order: number, email address, and name from each of its words on.

A key is found by its beginning, so "oka", "okafor" and "ada okaf" all find Ada Okafor, "3M9T" finds K7QF-3M9T, and an
address may be pasted in full. Folded by case, accents and width, as in the catalogue's search."""

from collections.abc import Sequence
from typing import Any

from storefront.catalog.text import tokenize
from storefront.orders.models import MAX_KEY_LENGTH

MAX_WORDS = 6
"""Words of one text that begin a key: Japanese has one a character."""


def search_keys(number: str, email: str, name: str) -> set[str]:
    words = tokenize(number)
    in_local_part = len(tokenize(email.rpartition("@")[0]))
    keys = [*endings(words), "".join(words), *endings(tokenize(email))[:in_local_part], *endings(tokenize(name))]
    return {key[:MAX_KEY_LENGTH] for key in keys if key}


def endings(words: Sequence[str]) -> list[str]:
    """Return the text from each of its first words on."""
    return [" ".join(words[i:]) for i in range(min(len(words), MAX_WORDS))]


def search_key_rows(position: int, number: str, email: str, name: str) -> list[dict[str, Any]]:
    """Return the rows of `OrderSearchKey` for the order at `position`."""
    return [{"key": key, "position": position} for key in search_keys(number, email, name)]


def beginning(q: str) -> str:
    """Return what the keys of a search begin with; empty if it has no word."""
    return " ".join(tokenize(q))[:MAX_KEY_LENGTH]
