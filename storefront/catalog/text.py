"""Tokenizer and full-text queries: text becomes search terms in the same way for both databases."""

import re
import unicodedata
from collections.abc import Iterable, Sequence

import regex

WORDS_VERSION = "2"
"""Of the words that are stored with each product: raised whenever `build_search_document` makes others of the same
texts, and then the stored ones are made anew at the next start."""
_UNSEEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
"""Comes along when words are copied, and parts none; but see `_PARTS_WORDS`."""
_PARTS_WORDS = re.compile(r"(?<=[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff])\u200b")
"""Between words of Thai, Lao, Burmese and Khmer, which have no spaces."""
_SYMBOL = regex.compile(r"\p{RI}\p{RI}|[[\p{So}\p{Sm}\p{Sc}\p{Extended_Pictographic}]--\p{ASCII}]", regex.VERSION1)
SYMBOL = "zsymbol"
"""How the word for a symbol begins: neither database takes an emoji for a word, so its code stands for it. A name that
is only a symbol is sorted by it, behind Latin letters."""
_WORD = re.compile(r"[^\W_]+")
_ALONE = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
"""Kana and Han are written without spaces: each sign is a word of its own."""


def symbols(text: str) -> list[str]:
    """The symbols of a text, each as a word: emoji, flags, ♥, →, €. What a joined emoji is made of counts, so that 💻
    finds 👩‍💻 too; variants and skin tones don't. Those on every keyboard, such as + and $, are nobody's words, and ™
    and № are letters in another dress."""
    if text.isascii():
        return []
    found = _SYMBOL.findall(text)
    return [word_of(sign) for sign in found if not _WORD.search(unicodedata.normalize("NFKD", sign))]


def word_of(symbol: str) -> str:
    return SYMBOL + "".join(f"{ord(part):06x}" for part in symbol)


def search_terms(text: str) -> list[str]:
    """What somebody looks for: symbols, then words, the last of which may be a beginning."""
    return symbols(text) + tokenize(text)


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
    search_name = " ".join([*(word for name in names for word in tokenize(name)), *symbols(" ".join(names))])
    about = " ".join((*descriptions, *labels))
    return search_name, " ".join((search_name, *dict.fromkeys(tokenize(about) + symbols(about))))
