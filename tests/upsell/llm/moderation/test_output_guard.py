"""Honest sentences of a model are shown as they are; others are rejected, each for its reason."""

from typing import Any

import pytest

from storefront.upsell.llm.moderation.number_facts import numbers_in
from storefront.upsell.llm.rerank_answer import validate_answer
from storefront.upsell.types import Candidate, ProductText
from tests.upsell.llm.moderation.allowed import GOODS, SENTENCES

REASON = "Shares “pot” with Dawn Beans in your cart."
HONEST = [sentence for sentences in SENTENCES.values() for sentence in sentences]


def said_of(goods: ProductText, explanation: object, *cart: ProductText) -> tuple[str, dict[str, int]]:
    """What is shown beside the goods when the model says this, and what was dropped."""
    answer = {"suggestions": [{"product_id": goods.id, "explanation": explanation}]}
    checked = validate_answer(answer, [Candidate(goods, REASON)], cart)
    (chosen,) = checked.chosen
    return chosen.explanation, checked.rejections


def test_there_are_forty_honest_sentences_for_each_language() -> None:
    assert {language: len(set(sentences)) for language, sentences in SENTENCES.items()} == dict.fromkeys(
        ("en", "de", "fr", "uk", "ja"), 40
    )


@pytest.mark.parametrize("sentence", HONEST)
def test_an_honest_sentence_is_shown_as_it_is(sentence: str) -> None:
    shown, dropped = said_of(GOODS[0], sentence, *GOODS[1:])
    assert dropped == {}
    assert shown == sentence.replace("\ufe0f", "")


FAULTS: dict[str, tuple[Any, ...]] = {
    "price": (
        "Only £3.",
        "A fair price.",
        "Saves money on filters.",
        "Für 5 Euro.",
        "Un prix doux.",
        "Гарна ціна.",
        "500円です。",
    ),
    "percentage": (
        "10 percent lighter.",
        "Mit 10 Prozent mehr Crema.",
        "На 10 відсотків легше.",
        "3割お得。",
        "٪ lower.",
    ),
    "health_claim": (
        "A healthy choice.",
        "It relieves stress.",
        "Recommended by doctors.",
        "Gut für die Gesundheit.",
        "Bon pour la santé.",
        "Корисно для здоров'я.",
        "免疫力を高める一杯。",
        "Rich in vitamins.",
    ),
    "link": ("See evil.xyz", "ftp://x", "Find it on instagram.", "Ask @evil"),
    "email": ("Ask ada@example.com.", "name at example dot com", "Schreiben Sie eine E-Mail."),
    "prompt": ("As an AI, I like it.", "Wie im JSON steht.", "My instructions say so.", "Найкращий кандидат."),
    "pressure": ("Order now, it fits.", "Nur heute dabei.", "Dépêchez-vous, il part.", "今すぐどうぞ。", "Wow!!"),
    "number": (
        "It has 7 lids.",
        "Seven lids.",
        "Sieben Deckel.",
        "Sept couvercles.",
        "Сім кришок.",
        "七つの蓋。",
        "٧ lids",
        "❼ lids",
    ),
    "gibberish": ("Aaaaaaaaah, coffee.", "A twо-tоne pоt of stеel, dаrk.", "Qq" * 20),
    "markup": ("A *fine* pot.", "A fine pot #coffee", "a_b __c__", "x ^ y"),
    "empty_explanation": ("", "…", "123", None, 7, ["x"], {}),
    "invisible_characters": ("A\u200bpot", "A \u202epot", "A\u2028pot\u2029\u2063", "A\u3164pot"),
    "too_long": ("A pot. " * 30,),
}


@pytest.mark.parametrize(("cause", "words"), [(cause, words) for cause, all in FAULTS.items() for words in all])
def test_a_rejected_explanation_is_replaced_by_the_shops_own(cause: str, words: object) -> None:
    shown, dropped = said_of(ProductText("cup", "Stone Cup", "A cup of 3 dl."), words)
    assert (shown, dropped) == (REASON, {cause: 1})


def test_a_number_may_be_said_of_a_product_or_of_what_is_in_the_cart() -> None:
    cup, pot = ProductText("cup", "Stone Cup", "It holds 250 ml."), ProductText("pot", "Pot", "For twelve cups.")
    assert said_of(cup, "Its 250 ml suit a pot for 12.", pot)[1] == {}
    assert said_of(cup, "Its 250 ml suit a pot for zwölf.", pot)[1] == {}
    assert said_of(cup, "Its 250 ml suit a pot for 12.")[1] == {"number": 1}


def test_a_number_of_another_candidate_may_not() -> None:
    cup, pot = ProductText("cup", "Stone Cup"), ProductText("pot", "Pot", "For 12 cups.")
    answer = {"suggestions": [{"product_id": "cup", "explanation": "Serves 12."}]}
    checked = validate_answer(answer, [Candidate(cup, REASON), Candidate(pot, REASON)])
    assert checked.rejections == {"number": 1}


def test_a_telephone_number_may_not_even_when_the_product_bears_it() -> None:
    cup = ProductText("cup", "Stone Cup", "Call 555 123 4567.")
    assert said_of(cup, "Ring 555 123 4567.")[1] == {"number": 1}


def test_what_is_shown_is_plain() -> None:
    assert said_of(GOODS[0], "  Cafe\u0301 \n\t pot ☕\ufe0f. ") == ("Café pot ☕.", {})


def test_the_rules_own_words_are_shown_without_what_cant_be_seen() -> None:
    candidate = Candidate(ProductText("cup", "Cup"), "Shares “p\u200bot” with \u202eDawn\U000e0041 Beans.")
    answer = {"suggestions": [{"product_id": "cup", "explanation": "Free!"}]}
    assert validate_answer(answer, [candidate]).chosen[0].explanation == "Shares “pot” with Dawn Beans."


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3,000 mAh", {"3000"}),
        ("3.000 mAh", {"3000"}),
        ("3\u202f000 mAh", {"3000"}),
        ("0,90 l", {"0.9"}),
        ("1:50,000", {"1", "50000"}),
        ("Thirty-six clicks", {"36"}),
        ("fünfunddreißig", {"35"}),
        ("vingt-cinq", {"25"}),
        ("п’ять або двадцять п'ять", {"5", "25"}),
        ("三十六枚", {"36"}),
        ("万年筆と十分な時間", set()),
        ("one cup, un café, eine Kanne", set()),
        ("two hundred", {"200"}),
        ("٣٤ and ❷ and ５", {"34", "2", "5"}),
        ("at once, tout neuf", set()),
        ("dix-sept, quatre-vingt-dix et quatre-vingt-dix-sept", {"17", "90", "97"}),
        ("1'250.50 or 0,900", {"1250.5", "900"}),
    ],
)
def test_numbers_are_read_in_figures_and_in_words(text: str, numbers: set[str]) -> None:
    assert numbers_in(text) == numbers
