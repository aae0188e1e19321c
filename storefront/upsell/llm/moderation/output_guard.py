"""Output guardrails: decides which parts of a model's answer may be shown."""

import re
import unicodedata
from collections.abc import Iterator
from enum import StrEnum
from functools import cache

from storefront.i18n.display_text import has_invisible, limit_marks
from storefront.upsell.llm.moderation.data_files import LEXICONS
from storefront.upsell.llm.moderation.lexicon import compile_lexicon, holds_phrase
from storefront.upsell.llm.moderation.normalization import (
    fold,
    obfuscation_variants,
)
from storefront.upsell.llm.moderation.number_facts import numbers_in

MAX_EXPLANATION_CHARACTERS = 160
PROMPT_RUN_WORDS = 6
"""This number of the prompt's words in a row is no coincidence."""


class RejectionReason(StrEnum):
    """Stored in the call log and counted in the metrics. A text with several gets the first."""

    SHAPE = "shape"
    UNKNOWN_PRODUCT = "unknown_product"
    UNKNOWN_CATEGORY = "unknown_category"
    REPEAT = "repeat"
    TOO_MANY = "too_many"
    EMPTY_EXPLANATION = "empty_explanation"
    TOO_LONG = "too_long"
    INVISIBLE_CHARACTERS = "invisible_characters"
    MARKUP = "markup"
    EMAIL = "email"
    LINK = "link"
    PERCENTAGE = "percentage"
    PRICE = "price"
    HEALTH_CLAIM = "health_claim"
    PROMPT = "prompt"
    PRESSURE = "pressure"
    GIBBERISH = "gibberish"
    NUMBER = "number"


EMOJI_STYLE = re.compile("(?<=[\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]")
"""Selects a coloured or black emoji, as models write after ☕. Invisible, but harmless."""
MARKUP = re.compile(
    r"[<>`{}\[\]|\\^]|&#?\w+;|&#|\*\*|\*\w|\w\*(?!\w)|__|(?<!\w)_\w|~~|={2,}|-{3,}|\$\(|%s|#\w|^\s*[#*+-]\s|/\*|-->"
)
LEXICON_PATTERNS = {
    reason: compile_lexicon(LEXICONS / reason) for reason in RejectionReason if (LEXICONS / reason).is_dir()
}
STRUCTURE_PATTERNS = {
    RejectionReason.EMAIL: re.compile(r"\S\s*@\s*\S+\s*\.|[\w.]@\w"),
    # Full stops of domains: without a blank before a small letter (models forget the blank, but write the next word
    # large) or before a top-level domain, with blanks before one that is no word; and IP addresses.
    RejectionReason.LINK: re.compile(
        r"[^\W_](?<!p)[.․。](?!ex\b)[^\W\d_A-ZА-ЯЁІЇЄҐ\u3040-\u9fff]{2}|[^\W_][.․。][A-ZА-ЯЁІЇЄҐ]{2,}(?!\w)"
        r"|(?:[^\W_][.․。,]|\s[.․。]\s*)(?i:com|net|org|info|shop|de|eu|fr|jp|ru|ua|uk|cn|xyz|рф|укр)(?!\w)"
        r"|\.\s+(?i:com|org|biz|xyz)(?!\w)|\d{1,3}(?:\.\d{1,3}){3}"
    ),
    RejectionReason.PRICE: re.compile("[$¢-¥֏؋৲৳৻૱௹฿៛₠-⃏꠸]"),
    RejectionReason.PRESSURE: re.compile(
        r"[!?]\s*[!?]|(?:(?<!\w)[A-ZÀ-ÞА-ЯЁІЇЄҐ]{2,}\W+){2}[A-ZÀ-ÞА-ЯЁІЇЄҐ]{2,}(?!\w)"
    ),
}
PHONE = re.compile(r"\d(?:[\s().\-/+]{0,3}\d){6,}")
"""Seven digits in a row or more are never a fact about a product."""
BASE64 = re.compile(r"(?=[\w+/]{12})(?:[A-Z\d+/]+[a-z]{1,3}[\d+/]*){4}")
"""Capital and a few small letters alternating, at least four times."""
UNREADABLE = re.compile(
    r"[a-z]{31}|[a-z\d+/=_-]{41}|(\w)\1{5}|(?<!\w)(?:[\da-f]{2}[\s:,]?){6,}(?!\w)"
    r"|(?<!\w)(?=\w{4})\w*(?:[a-z][Ͱ-֏Ꭰ-Ᏽ]|[Ͱ-֏Ꭰ-Ᏽ][a-z])"
)
"""Endless words, one character repeated, bytes in hexadecimal, and words in two alphabets."""


def rejection_reason(explanation: object, facts: set[str], instructions: str) -> RejectionReason | None:
    """The reason why an explanation can't be shown; None when it can.

    `facts` are the numbers that it may contain, `instructions` the prompt that it must not repeat.
    """
    if not isinstance(explanation, str) or not any(map(str.isalpha, explanation)):
        return RejectionReason.EMPTY_EXPLANATION
    text = EMOJI_STYLE.sub("", " ".join(explanation.split()))
    if len(text) > MAX_EXPLANATION_CHARACTERS:
        return RejectionReason.TOO_LONG
    if has_invisible(text):
        return RejectionReason.INVISIBLE_CHARACTERS
    text = unicodedata.normalize("NFKC", text)
    return RejectionReason.MARKUP if MARKUP.search(text) else next(iter_violations(text, facts, instructions), None)


def iter_violations(text: str, facts: set[str], instructions: str) -> Iterator[RejectionReason]:
    """The reasons to reject a text in NFKC, the most serious first."""
    readings = obfuscation_variants(text)
    for reason, lexicon in LEXICON_PATTERNS.items():
        pattern = STRUCTURE_PATTERNS.get(reason)
        if (pattern and pattern.search(text)) or any(holds_phrase(lexicon, reading) for reading in readings):
            yield reason
    if any(word_runs(reading) & prompt_runs(instructions) for reading in readings):
        yield RejectionReason.PROMPT
    if is_unreadable(text):
        yield RejectionReason.GIBBERISH
    if PHONE.search(text) or not numbers_in(text) <= facts:
        yield RejectionReason.NUMBER


def is_unreadable(text: str) -> bool:
    composed = unicodedata.normalize("NFC", text)
    return bool(BASE64.search(text) or UNREADABLE.search(fold(text))) or limit_marks(composed) != composed


def word_runs(folded: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", folded)
    return {tuple(words[i : i + PROMPT_RUN_WORDS]) for i in range(len(words) - PROMPT_RUN_WORDS + 1)}


@cache
def prompt_runs(instructions: str) -> set[tuple[str, ...]]:
    return word_runs(fold(instructions).replace("_", " "))
