"""Undoes the ways of hiding a word in a text."""

import codecs
import re
import unicodedata
from functools import partial

from storefront.upsell.llm.moderation.data_files import LEXICONS, read_lines

KANA_MARKS = "\u3099\u309a"
STYLES = ("<wide>", "<narrow>", "<font>", "<circle>", "<square>")
APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ´`′＇", "'"))
CONFUSABLES = {
    ord(char): line[0] for line in read_lines(LEXICONS / "confusables.txt") for char in line[1:] if char != " "
}
LEET_DIGITS = (str.maketrans("0134578", "oieastb"), str.maketrans("0134578", "oleastb"))
LEET_WORD = re.compile(r"\b(?=\w*\d)(?=\w*[a-z])\w+\b")
SEPARATED_LETTERS = re.compile(r"(?<!\w)(?:\w[^\w\n]{1,3}){2,}\w(?!\w)")
JOINED_WORDS = re.compile(r"(?<=[^\W\d])[-‐‑–_·•.'*~]+(?=[^\W\d])")
SEPARATORS = re.compile(r"[\W_]+")


def fold_compatibility(text: str) -> str:
    """Wide, narrow, styled and circled letters as plain ones. Other characters that NFKC would fold, such as ½ or ™,
    stay."""
    folded = (
        unicodedata.normalize("NFKC", char) if unicodedata.decomposition(char).startswith(STYLES) else char
        for char in text
    )
    return unicodedata.normalize("NFC", "".join(folded))


def fold(text: str) -> str:
    """The text without case, width, style and accents, with one kind of apostrophe. Kana keep their marks: ドル isn't
    トル."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    if not parts.isascii():
        bare = (char for char in parts if char in KANA_MARKS or not unicodedata.combining(char))
        parts = unicodedata.normalize("NFC", "".join(bare))
    return parts.translate(APOSTROPHES)


def obfuscation_variants(text: str) -> list[str]:
    """The folded text, and the other texts that a reader could see in it.

    With look-alikes as Latin letters; with single letters and halves of words joined; with all words joined (after a
    mark, so that none of them is at the start of a word); with digits as letters; backwards and out of rot13.
    """
    folded = fold(text).replace("_", " ")
    latin = folded.translate(CONFUSABLES)
    joined = {variant: join_letters(variant) for variant in (folded, latin)}
    unspaced = ["_" + SEPARATORS.sub("", variant) for variant in joined]
    words = [LEET_WORD.sub(partial(translate_match, digits), joined[latin]) for digits in LEET_DIGITS]
    decoded = [latin[::-1], codecs.decode(latin, "rot13")]
    return list(dict.fromkeys([*joined, *joined.values(), *unspaced, *words, *decoded]))


def join_letters(text: str) -> str:
    """The text with "f r e e" and "fr-ee" as "free"."""
    return JOINED_WORDS.sub("", SEPARATED_LETTERS.sub(lambda letters: SEPARATORS.sub("", letters[0]), text))


def translate_match(table: dict[int, int], match: re.Match[str]) -> str:
    return match[0].translate(table)
