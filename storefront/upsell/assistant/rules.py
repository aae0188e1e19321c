"""What a model's answer must be like to be shown."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from storefront.upsell.rules import MOST, Candidate, Chosen

LONGEST = 160


@dataclass(frozen=True)
class Checked:
    """What was kept of a model's answer, and why other parts were dropped, counted by cause."""

    chosen: list[Chosen]
    dropped: dict[str, int] = field(default_factory=dict)


def check_answer(answer: object, candidates: Sequence[Candidate]) -> Checked:
    """Keep of a model's answer what may be shown: known candidates, each once, at most three, in plain words.

    A product whose explanation can't be shown keeps its place with the shop's own sentence.
    """
    reasons = {candidate.goods.id: candidate.reason for candidate in candidates}
    entries = answer.get("suggestions") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return Checked([], {"shape": 1})
    chosen: dict[str, str] = {}
    dropped: Counter[str] = Counter()
    for entry in entries:
        product_id, words = (
            (entry.get("product_id"), entry.get("explanation")) if isinstance(entry, dict) else (None, None)
        )
        if not isinstance(product_id, str) or product_id not in reasons:
            dropped["unknown product"] += 1
        elif product_id in chosen:
            dropped["repeat"] += 1
        elif len(chosen) == MOST:
            dropped["too many"] += 1
        else:
            fault = fault_of(words)
            if fault:
                dropped[fault] += 1
            chosen[product_id] = reasons[product_id] if fault else " ".join(str(words).split())
    return Checked([Chosen(id, words) for id, words in chosen.items()], dict(dropped))


_MARKUP = re.compile(r"[<>`{}\[\]|\\]|&\w+;|&#|\*\*|__|^#", re.MULTILINE)
_LINK = re.compile(r"://|\bwww\.|\b[\w-]+\.(com|net|org|io|dev|shop|info|biz|co|example|test|de|uk|eu|app|xyz)\b", re.I)


def fault_of(words: object) -> str | None:
    """Why these words can't be shown as an explanation; None when they can."""
    if not isinstance(words, str) or not words.strip():
        return "empty explanation"
    if len(" ".join(words.split())) > LONGEST:
        return "too long"
    if any(unicodedata.category(sign) in ("Cc", "Cf", "Co", "Cs", "Cn") and sign not in "\n\t\r" for sign in words):
        return "invisible characters"
    plain = unicodedata.normalize("NFKC", words)
    if _MARKUP.search(plain):
        return "markup"
    if _LINK.search(plain) or "@" in plain:
        return "link"
    return None
