"""Tokenizer and full-text queries: text becomes search terms in the same way for both databases."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

from storefront.catalog.filters import _PARTS_WORDS, _UNSEEN, symbols

_WORD = re.compile(r"[^\W_]+")
_ALONE = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
"""Kana and Han are written without spaces: each sign is a word of its own."""


def tokenize(text: str) -> list[str]:
    """The words of a text without case, accents and width: "Café au lait" gives cafe, au, lait."""
    if text.isascii():
        return _WORD.findall(text.lower())
    decomposed = unicodedata.normalize("NFKD", _UNSEEN.sub("", _PARTS_WORDS.sub(" ", text)))
    plain = "".join(sign for sign in decomposed if not unicodedata.combining(sign)).casefold()
    return _WORD.findall(_ALONE.sub(r" \1 ", plain))


def build_search_document(names: Sequence[str], descriptions: Iterable[str], labels: Iterable[str]) -> tuple[str, str]:
    """The folded words of the name, and of everything that is searched, each parted by spaces, words before symbols.
    All come in every language, the shop's own first."""
    name_words = " ".join([*(word for name in names for word in tokenize(name)), *symbols(" ".join(names))])
    about = " ".join((*descriptions, *labels))
    return name_words, " ".join((name_words, *dict.fromkeys(tokenize(about) + symbols(about))))


def fts5_query(tenant_id: str, terms: Sequence[str]) -> str:
    """SQLite's query for all of these words, the last as a beginning."""
    return fts5_tenant_query(tenant_id, " AND ".join(f'"{term}"' for term in terms) + "*")


def fts5_tenant_query(tenant_id: str, wanted: str) -> str:
    """The tenant is a word of the index too, so that other shops' matches aren't even visited."""
    return f'{{tenant_id}} : "{tenant_id}" AND {{words}} : ({wanted})'


def tsquery(terms: Sequence[str]) -> str:
    """PostgreSQL's query for all of these words, the last as a beginning."""
    return " & ".join(f"'{term}'" for term in terms) + ":*"
