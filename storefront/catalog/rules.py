"""How text becomes words that can be found, in the same way for every database."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+")
_ALONE = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
"""Kana and Han are written without spaces: each sign is a word of its own."""


def fold(text: str) -> list[str]:
    """The words of a text without case, accents and width: "Café au lait" gives cafe, au, lait."""
    if text.isascii():
        return _WORD.findall(text.lower())
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign)).casefold()
    return _WORD.findall(_ALONE.sub(r" \1 ", plain))


def product_words(name: str, description: str, category: str, tags: Iterable[str]) -> tuple[str, str]:
    """The folded words of the name, and of everything that is searched, each parted by spaces."""
    name_words = " ".join(fold(name))
    rest = dict.fromkeys(fold(" ".join((description, category, *tags))))
    return name_words, " ".join((name_words, *rest))


def fts5_query(tenant_id: str, terms: Sequence[str]) -> str:
    """SQLite's query for all of these words, the last as a beginning."""
    return fts5_in_tenant(tenant_id, " AND ".join(f'"{term}"' for term in terms) + "*")


def fts5_query_any(tenant_id: str, words: Sequence[str]) -> str:
    """SQLite's query for any of these words."""
    return fts5_in_tenant(tenant_id, " OR ".join(f'"{word}"' for word in words))


def fts5_in_tenant(tenant_id: str, wanted: str) -> str:
    """The tenant is a word of the index too, so that other shops' matches aren't even visited."""
    return f'{{tenant_id}} : "{tenant_id}" AND {{words}} : ({wanted})'


def tsquery(terms: Sequence[str]) -> str:
    """PostgreSQL's query for all of these words, the last as a beginning."""
    return " & ".join(f"'{term}'" for term in terms) + ":*"


def tsquery_any(words: Sequence[str]) -> str:
    """PostgreSQL's query for any of these words."""
    return " | ".join(f"'{word}'" for word in words)
