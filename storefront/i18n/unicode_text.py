"""Characters that nobody sees, texts without them, and texts cut where a reader sees the end of a character."""

import re
import unicodedata

import regex
from markupsafe import Markup

INVISIBLE = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164"
    r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
)
"""The inside of a regular expression's class, for Python and for JSON Schema: characters that show nothing (format
characters, fillers, variation selectors, the blank Braille pattern). Those beyond U+FFFF stand in `_INVISIBLE`."""
_INVISIBLE = INVISIBLE + r"\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
_VISIBLE = re.compile(rf"[^\s\x00-\x1f\x7f-\x9f\ud800-\udfff{_INVISIBLE}]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")
_DIRECTION_CONTROL = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_PASTED = re.compile(r"[\u00ad\u180e\u200b\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")
"""What comes along when text is copied from a page or a letter, and no language needs inside a name."""
_UNSEEN = re.compile(f"[{_INVISIBLE}]+")
_DASH = re.compile(r"[\u2010-\u2015\u2212\ufe58]")
_GRAPHEME = regex.compile(r"\X")
_RIGHT_TO_LEFT = re.compile(
    r"[\u0590-\u08ff\u200f\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
FIRST_STRONG_ISOLATE, POP_ISOLATE = "\u2068", "\u2069"


def has_visible(text: str) -> bool:
    """Whether a reader sees anything of this text."""
    return _VISIBLE.search(text) is not None


def has_control(text: str) -> bool:
    """Whether the text holds a control character other than white space, or half a character."""
    return _CONTROL.search(text) is not None


def without_direction_controls(text: str) -> str:
    """The text without embeddings, overrides and isolates such as U+202E, which turn around what stands beside them.

    The marks U+200E, U+200F and U+061C stay: texts that mix scripts need them, and they turn nothing around.
    """
    return text if text.isascii() else _DIRECTION_CONTROL.sub("", text)


def single_line(text: str) -> str:
    """What somebody typed or pasted, as it is kept: on one line, in NFC, without characters that came along unseen.

    Joiners and variation selectors stay, because Persian, Hindi and emoji need them.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", _PASTED.sub("", text))
    return " ".join(text.split())


def without_unseen(text: str) -> str:
    """The text without any character that shows nothing."""
    return text if text.isascii() else _UNSEEN.sub("", text)


def plain_code(text: str) -> str:
    """A code of letters, digits and hyphens, however it was typed or pasted: no white space around it, nothing
    invisible, no wide letters, and any dash is a hyphen."""
    if not text.isascii():
        text = _UNSEEN.sub("", _DASH.sub("-", unicodedata.normalize("NFKC", text)))
    return text.strip()


def plain_address(text: str) -> str:
    """An e-mail address as it was meant by who typed or pasted it: nothing invisible, no white space around it, and
    the letters, the @ and the dots of a wide keyboard as the usual ones."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _PASTED.sub("", text)).replace("\u3002", ".")
    return text.strip()


def cut(text: str, longest: int) -> str:
    """The beginning of the text, of at most `longest` code points, that ends between two characters as a reader sees
    them: no accent, flag or joined emoji is cut in two. A single character that is longer than that is left out."""
    if len(text) <= longest:
        return text
    if text.isascii():
        return text[:longest]
    end = 0
    for found in _GRAPHEME.finditer(text):
        if found.end() > longest:
            break
        end = found.end()
    return text[:end]


def shortened(text: str, longest: int) -> str:
    """The text, or its beginning and an ellipsis, of at most `longest` code points together."""
    return text if len(text) <= longest else cut(text, longest - 1).rstrip() + "…"


def first_character(text: str) -> str:
    """The first character as a reader sees it; empty when there is none."""
    found = _GRAPHEME.match(text)
    return found[0] if found else ""


def isolated(text: str) -> str:
    """The text as it can stand inside a sentence of another direction: a right-to-left text is isolated, so that it
    doesn't carry along the punctuation and the numbers beside it, and no control in it turns them around
    (https://www.w3.org/International/questions/qa-bidi-unicode-controls)."""
    if text.isascii():
        return text
    kind = Markup if isinstance(text, Markup) else str
    if _DIRECTION_CONTROL.search(text):
        text = kind(_DIRECTION_CONTROL.sub("", text))
    return text if _RIGHT_TO_LEFT.search(text) is None else kind(FIRST_STRONG_ISOLATE + text + POP_ISOLATE)
