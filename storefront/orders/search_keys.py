"""The keys by which the staff find an order by its buyer: email address, and name from each of its words on.

A key is found by its beginning, so "oka", "okafor" and "ada okaf" all find Ada Okafor, and an address may be pasted in
full. Folded by case, accents and width, as in the catalogue's search. Numbers have no keys: the index that keeps them
unique finds them by their beginning, and each key costs a page of the database when an order is placed."""

from collections.abc import Sequence
from typing import Any

from storefront.catalog.text import tokenize
from storefront.orders.models import MAX_KEY_LENGTH

MAX_WORDS = 6
"""Words of one text that begin a key: Japanese has one a character."""


def search_keys(email: str, name: str) -> set[str]:
    in_local_part = len(tokenize(email.rpartition("@")[0]))
    keys = [*endings(tokenize(email))[:in_local_part], *endings(tokenize(name))]
    return {key[:MAX_KEY_LENGTH] for key in keys if key}


def endings(words: Sequence[str]) -> list[str]:
    """Return the text from each of its first words on."""
    return [" ".join(words[i:]) for i in range(min(len(words), MAX_WORDS))]


def search_key_rows(position: int, email: str, name: str) -> list[dict[str, Any]]:
    """Return the rows of `OrderSearchKey` for the order at `position`."""
    return [{"key": key, "position": position} for key in search_keys(email, name)]


def beginning(q: str) -> str:
    """Return what the keys of a search begin with; empty if it has no word."""
    return " ".join(tokenize(q))[:MAX_KEY_LENGTH]
