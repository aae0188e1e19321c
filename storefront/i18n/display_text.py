"""Texts that others wrote, made fit to be shown: on one line, without what nobody sees and what covers other lines."""

import re
import unicodedata

BLANK_CHARACTERS = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0000-\U000e0fff]"
)
"""Letters, marks and symbols in Unicode that no font shows. Python calls the other invisible ones not printable."""
MAX_MARKS_PER_LETTER = 2
"""Hindi, Thai and Vietnamese (composed) need no more; more marks cover the neighbouring lines."""


def strip_invisible(text: str) -> str:
    """The text on one line, in NFC, without invisible and directional characters or stacked marks.

    A joined emoji falls apart into its components.
    """
    visible = "".join(char for char in BLANK_CHARACTERS.sub("", text) if char.isprintable() or char.isspace())
    return " ".join(limit_marks(unicodedata.normalize("NFC", visible)).split())


def has_invisible(line: str) -> bool:
    """Whether a text, whose only white space is plain blanks, contains what strip_invisible() removes."""
    return not line.isprintable() or bool(BLANK_CHARACTERS.search(line))


def limit_marks(text: str) -> str:
    """The text with at most MAX_MARKS_PER_LETTER combining marks in a row, and none that encloses a letter."""
    if text.isascii():
        return text
    kept, marks = [], 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category[0] == "M" else 0
        if marks <= MAX_MARKS_PER_LETTER and category != "Me":
            kept.append(char)
    return "".join(kept)
