"""The readings of a text under which a word may be hidden."""

import codecs
import re
import unicodedata

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
    """Wide, narrow, styled and circled letters as plain ones. What else NFKC would fold, such as ½ or ™, stays."""
    folded = (
        unicodedata.normalize("NFKC", char) if unicodedata.decomposition(char).startswith(STYLES) else char
        for char in text
    )
    return unicodedata.normalize("NFC", "".join(folded))


def fold(text: str) -> str:
    """Without case, width, style and accents, with one kind of apostrophe. Kana keep their marks: ドル isn't トル."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    if not parts.isascii():
        bare = (char for char in parts if char in KANA_MARKS or not unicodedata.combining(char))
        parts = unicodedata.normalize("NFC", "".join(bare))
    return parts.translate(APOSTROPHES)


def obfuscation_variants(text: str) -> list[str]:
    """The folded text, and what else a reader could see in it.

    With look-alikes as Latin letters, with single letters and halves of words joined, with all words joined (after a
    mark, so that none of them is at the start of a word), with digits as letters, and decoded.
    """
    folded = fold(text).replace("_", " ")
    latin = folded.translate(CONFUSABLES)
    variants = [folded, latin]
    for variant in dict.fromkeys(variants):
        letters_joined = SEPARATED_LETTERS.sub(lambda letters: SEPARATORS.sub("", letters[0]), variant)
        joined = JOINED_WORDS.sub("", letters_joined)
        variants += [joined, "_" + SEPARATORS.sub("", variant)]
    for digits in LEET_DIGITS:
        variants.append(LEET_WORD.sub(lambda word: word[0].translate(digits), joined))  # noqa: B023 - called at once
    return list(dict.fromkeys(variants + decoded_variants(latin)))


def decoded_variants(folded: str) -> list[str]:
    """The text backwards and out of rot13, which a shopper could be told to undo."""
    return [folded[::-1], codecs.decode(folded, "rot13")]
