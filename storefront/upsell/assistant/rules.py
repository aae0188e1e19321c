"""What a model's answer must be like to be shown."""

import base64
import binascii
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from storefront.upsell.assistant import phrases, words
from storefront.upsell.assistant.health import HEALTH
from storefront.upsell.assistant.numbers import PHONE, numbers_in
from storefront.upsell.assistant.text import ciphers, floods, fold, forms, plain, visible
from storefront.upsell.rules import MOST, Candidate, Chosen, Goods

LONGEST = 160


@dataclass(frozen=True)
class Checked:
    """What was kept of a model's answer, and why other parts were dropped, counted by cause."""

    chosen: list[Chosen]
    dropped: dict[str, int] = field(default_factory=dict)


def check_answer(answer: object, candidates: Sequence[Candidate], cart: Sequence[Goods] = ()) -> Checked:
    """Keep of a model's answer what may be shown: known candidates, each once, at most three, in plain words.

    A product whose explanation can't be shown keeps its place with the shop's own sentence. Numbers may be said when
    they are in the texts of that product or of the cart's.
    """
    known = {candidate.goods.id: candidate for candidate in candidates}
    entries = answer.get("suggestions") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return Checked([], {"shape": 1})
    facts = numbers_of(cart)
    chosen: dict[str, str] = {}
    dropped: Counter[str] = Counter()
    for entry in entries:
        product_id, said = (
            (entry.get("product_id"), entry.get("explanation")) if isinstance(entry, dict) else (None, None)
        )
        if not isinstance(product_id, str) or product_id not in known:
            dropped["unknown product"] += 1
        elif product_id in chosen:
            dropped["repeat"] += 1
        elif len(chosen) == MOST:
            dropped["too many"] += 1
        else:
            fault = fault_of(said, facts | numbers_of([known[product_id].goods]))
            if fault:
                dropped[fault] += 1
            chosen[product_id] = plain(known[product_id].reason if fault else str(said))
    return Checked([Chosen(id, sentence) for id, sentence in chosen.items()], dict(dropped))


def numbers_of(goods: Iterable[Goods]) -> set[str]:
    """The numbers that the texts of these products hold."""
    return {
        number
        for one in goods
        for text in (one.name, one.description, one.category, *one.tags)
        for number in numbers_in(text)
    }


PRESENTED = re.compile("(?<=[\u203c-\u3299\U0001f000-\U0001faff])[\ufe0e\ufe0f]")
"""Asks for an emoji in colour or in black, as models write after ☕. Invisible, and honest."""
MARKUP = re.compile(
    r"[<>`{}\[\]|\\^]|&#?\w+;|&#|\*\*|\*\w|\w\*(?!\w)|__|(?<!\w)_\w|~~|={2,}|-{3,}|\$\(|%s|#\w|^\s*[#*+-]\s|/\*|-->",
)


def fault_of(said: object, facts: set[str]) -> str | None:
    """Why this can't be shown as an explanation; None when it can. `facts` are the numbers that may be in it."""
    if not isinstance(said, str) or not any(sign.isalpha() for sign in said):
        return "empty explanation"
    text = PRESENTED.sub("", " ".join(said.split()))
    if len(text) > LONGEST:
        return "too long"
    if not all(visible(sign) for sign in said if sign not in "\ufe0e\ufe0f") or not all(map(visible, text)):
        return "invisible characters"
    usual = unicodedata.normalize("NFKC", text)
    if MARKUP.search(usual):
        return "markup"
    return next((cause for cause, found in suspicions(usual, facts) if found), None)


def suspicions(usual: str, facts: set[str]) -> Iterable[tuple[str, bool]]:
    """Each cause with whether it applies, in the order in which they are named when several do."""
    written = forms(usual)
    read_as = [*written, *ciphers(usual)]

    def holds(pattern: re.Pattern[str]) -> bool:
        return any(pattern.search(form) for form in read_as)

    def leads_to(*patterns: re.Pattern[str]) -> bool:
        return any(pattern.search(form) for form in written for pattern in patterns)

    yield "e-mail", bool(phrases.MAIL.search(usual)) or leads_to(phrases.WRITE, phrases.MAIL)
    yield "link", "@" in usual or bool(phrases.DOMAIN.search(usual)) or leads_to(phrases.LINK, phrases.OUTSIDE)
    yield "percentage", any(sign in "%‰٪" for sign in usual) or holds(words.PERCENTAGE)
    yield "price", any(unicodedata.category(sign) == "Sc" for sign in usual) or holds(words.PRICE)
    yield "health claim", holds(HEALTH)
    yield "prompt", holds(phrases.PROMPT) or any(phrases.runs_of(form) & phrases.PROMPT_RUNS for form in read_as)
    yield "price", any(phrases.UNBROKEN.search(re.sub(r"[\W_]+", "", form)) for form in read_as)
    yield "pressure", shouts(usual) or holds(phrases.PRESSURE)
    yield "gibberish", gibberish(usual)
    yield "number", bool(PHONE.search(usual)) or not numbers_in(usual) <= facts


def shouts(text: str) -> bool:
    """Two exclamation marks, or three words in capitals in a row."""
    if re.search(r"!\s*!|[!?]{2}", text):
        return True
    row = 0
    for word in re.findall(r"[^\W\d_]+", text):
        row = row + 1 if len(word) > 1 and word.isupper() else 0
        if row == 3:
            return True
    return False


UNREADABLE = re.compile(r"[a-z]{31,}|[a-z0-9+/=_-]{41,}|(\w)\1{5,}|(?<!\w)(?:[0-9a-f]{2}[\s:,]?){6,}(?!\w)")
LETTERS = re.compile(r"[^\W\d_]+")
TOKEN = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")


def gibberish(text: str) -> bool:
    """Words of no language: endless, of mixed alphabets, drowned in marks, or another text in base64."""
    return (
        floods(text)
        or bool(UNREADABLE.search(fold(text)))
        or any(len(alphabets(word)) > 1 for word in LETTERS.findall(text) if len(word) > 3)
        or any(is_base64(token) for token in TOKEN.findall(text))
    )


def alphabets(word: str) -> set[str]:
    """Which of those alphabets a word is in whose letters are taken for each other's."""
    names = {unicodedata.name(sign, "").partition(" ")[0] for sign in word}
    return names & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"}


def is_base64(token: str) -> bool:
    """Whether it hides a text that can be read."""
    try:
        read = base64.b64decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4), altchars=b"-_").decode()
    except (binascii.Error, ValueError):
        return False
    return sum(sign.isalpha() or sign == " " for sign in read) > len(read) * 0.7 and read.isprintable()
