"""Tokenizer and full-text queries: text becomes search terms in the same way for both databases."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import regex

WORDS_VERSION = "2"
"""Version of the stored search text. Increment it when `build_search_document` changes its result; the search text of
all products is then rebuilt at the next start."""
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Invisible characters inside words, copied along with text; but see `_PARTS_WORDS`."""
_PARTS_WORDS = re.compile(r"(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b")
"""The zero-width space separates words of Thai, Lao, Burmese and Khmer, which have no spaces."""
_SYMBOL = regex.compile(r"\p{RI}\p{RI}|[[\p{So}\p{Sm}\p{Sc}\p{Extended_Pictographic}]--\p{ASCII}]", regex.VERSION1)
SYMBOL = "zsymbol"
"""Prefix of the term for a symbol: neither database indexes emoji, so the code point in hex represents it. A name that
is only a symbol is sorted by it, after Latin letters."""
_WORD = re.compile(r"[^\W_]+")
_ALONE = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
"""Kana and Han are written without spaces: each character is a term."""


def symbols(text: str) -> list[str]:
    """Return the terms of the symbols in a text: emoji, flags, ♥, →, €.

    The parts of a joined emoji count, so that 💻 also finds 👩‍💻; variants and skin tones don't. ASCII symbols such
    as + and $ are ignored, and ™ and № are letters in compatibility form."""
    if text.isascii():
        return []
    found = _SYMBOL.findall(text)
    return [symbol_term(symbol) for symbol in found if not _WORD.search(unicodedata.normalize("NFKD", symbol))]


def symbol_term(symbol: str) -> str:
    return SYMBOL + "".join(f"{ord(part):06x}" for part in symbol)


def search_terms(text: str) -> list[str]:
    """Return the terms of a search: symbols, then words, the last of which may be a prefix."""
    return symbols(text) + tokenize(text)


def tokenize(text: str) -> list[str]:
    """Split a text into words, folded by case, accents and width: "Café au lait" gives cafe, au, lait."""
    if text.isascii():
        return _WORD.findall(text.lower())
    decomposed = unicodedata.normalize("NFKD", _UNSEEN.sub("", _PARTS_WORDS.sub(" ", text)))
    plain = "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()
    return _WORD.findall(_ALONE.sub(r" \1 ", plain))


def build_search_document(names: Sequence[str], descriptions: Iterable[str], labels: Iterable[str]) -> tuple[str, str]:
    """Return the search terms of the name, and of everything that is searched, each separated by spaces.

    Words come before symbols. All arguments have all languages, the shop's default language first."""
    search_name = " ".join([*(word for name in names for word in tokenize(name)), *symbols(" ".join(names))])
    about = " ".join((*descriptions, *labels))
    return search_name, " ".join((search_name, *dict.fromkeys(tokenize(about) + symbols(about))))
