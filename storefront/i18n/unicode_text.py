"""Unicode text: invisible characters, normalisation of input, cutting at grapheme clusters, isolation of right-to-left
text."""

import re
import unicodedata

import regex
from markupsafe import Markup

INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
"""The content of a regular expression's character class, for Python and JSON Schema: invisible characters (format
characters, fillers, variation selectors, the blank Braille pattern). Those above U+FFFF are in `_INVISIBLE`."""
_INVISIBLE = INVISIBLE + r"\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
_VISIBLE = re.compile(rf"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff{_INVISIBLE}]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_DIRECTION_CONTROL = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_PASTED = re.compile(r"[\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
"""Characters that are copied along from pages or documents and that no language needs in a name."""
_UNSEEN = re.compile(f"[{_INVISIBLE}]+")
_DASH = re.compile(r"[\u2010-\u2015\u2212\ufe58]")
_GRAPHEME = regex.compile(r"\X")
_RIGHT_TO_LEFT = re.compile(
    r"[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


def has_visible(text: str) -> bool:
    """Whether the text has a visible character."""
    return _VISIBLE.search(text) is not None


def has_control(text: str) -> bool:
    """Whether the text has a control character other than white space, or a lone surrogate."""
    return _CONTROL.search(text) is not None


def without_direction_controls(text: str) -> str:
    """Remove embeddings, overrides and isolates such as U+202E, which change the direction of the surrounding text.

    The marks U+200E, U+200F and U+061C stay: texts with several scripts need them, and they don't affect other text.
    """
    return text if text.isascii() else _DIRECTION_CONTROL.sub("", text)


def single_line(text: str) -> str:
    """Normalise typed or pasted text: one line, NFC, without the invisible characters of `_PASTED`.

    Joiners and variation selectors stay, because Persian, Hindi and emoji need them.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", _PASTED.sub("", text))
    return " ".join(text.split())


def without_unseen(text: str) -> str:
    """Remove all invisible characters."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def plain_code(text: str) -> str:
    """Normalise a typed or pasted code: trimmed, NFKC, no invisible characters, and any dash becomes a hyphen."""
    if not text.isascii():
        text = _UNSEEN.sub("", _DASH.sub("-", unicodedata.normalize("NFKC", text)))
    return text.strip()


def plain_address(text: str) -> str:
    """Normalise a typed or pasted email address: trimmed, no invisible characters, full-width characters (NFKC) and the
    ideographic full stop converted to ASCII."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _PASTED.sub("", text)).replace("\u3002", ".")
    return text.strip()


def cut(text: str, max_length: int) -> str:
    """Return the longest beginning of at most `max_length` code points that ends between two grapheme clusters.

    No accented character, flag or joined emoji is split; a first cluster that is longer gives an empty string."""
    if len(text) <= max_length:
        return text
    if text.isascii():
        return text[:max_length]
    end = 0
    for found in _GRAPHEME.finditer(text):
        if found.end() > max_length:
            break
        end = found.end()
    return text[:end]


def shortened(text: str, max_length: int) -> str:
    """Return the text, or its beginning with an ellipsis, at most `max_length` code points in all."""
    return text if len(text) <= max_length else cut(text, max_length - 1).rstrip() + "…"


def first_character(text: str) -> str:
    """Return the first grapheme cluster; empty for an empty text."""
    found = _GRAPHEME.match(text)
    return found[0] if found else ""


def isolated(text: str) -> str:
    """Make the text safe inside a sentence of another direction: remove direction controls, and isolate right-to-left
    text, so that it doesn't reorder the punctuation and numbers around it
    (https://www.w3.org/International/questions/qa-bidi-unicode-controls)."""
    if text.isascii():
        return text
    text_type = Markup if isinstance(text, Markup) else str
    if _DIRECTION_CONTROL.search(text):
        text = text_type(_DIRECTION_CONTROL.sub("", text))
    return text if _RIGHT_TO_LEFT.search(text) is None else text_type(FIRST_STRONG_ISOLATE + text + POP_ISOLATE)
