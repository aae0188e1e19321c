"""Allowed explanations are displayed unchanged; others are rejected with a reason."""

from typing import Any

import pytest

from storefront.upsell.llm.moderation.number_facts import numbers_in
from storefront.upsell.llm.rerank_answer import validate_answer
from storefront.upsell.types import Candidate, ProductText
from tests.upsell.llm.moderation.allowed import PRODUCTS, SENTENCES

RULES_EXPLANATION = "Shares “pot” with Dawn Beans in your cart."
ALLOWED = [sentence for sentences in SENTENCES.values() for sentence in sentences]


def validate(product: ProductText, explanation: object, *cart: ProductText) -> tuple[str, dict[str, int]]:
    """Return the displayed explanation and the rejections when the model answers with this explanation."""
    answer = {"suggestions": [{"product_id": product.id, "explanation": explanation}]}
    checked = validate_answer(answer, [Candidate(product, RULES_EXPLANATION)], cart)
    (chosen,) = checked.chosen
    return chosen.explanation, checked.rejections


def test_there_are_forty_allowed_sentences_for_each_language() -> None:
    assert {language: len(set(sentences)) for language, sentences in SENTENCES.items()} == dict.fromkeys(
        ("en", "de", "fr", "uk", "ja"), 40
    )


@pytest.mark.parametrize("sentence", ALLOWED)
def test_an_allowed_sentence_is_displayed_unchanged(sentence: str) -> None:
    displayed, rejections = validate(PRODUCTS[0], sentence, *PRODUCTS[1:])
    assert rejections == {}
    assert displayed == sentence.replace("\ufe0f", "")


REJECTED: dict[str, tuple[Any, ...]] = {
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


@pytest.mark.parametrize(
    ("reason", "explanation"), [(reason, text) for reason, texts in REJECTED.items() for text in texts]
)
def test_a_rejected_explanation_is_replaced_by_the_rules_one(reason: str, explanation: object) -> None:
    displayed, rejections = validate(ProductText("cup", "Stone Cup", "A cup of 3 dl."), explanation)
    assert (displayed, rejections) == (RULES_EXPLANATION, {reason: 1})


def test_numbers_of_the_product_and_of_the_cart_are_allowed() -> None:
    cup, pot = ProductText("cup", "Stone Cup", "It holds 250 ml."), ProductText("pot", "Pot", "For twelve cups.")
    assert validate(cup, "Its 250 ml suit a pot for 12.", pot)[1] == {}
    assert validate(cup, "Its 250 ml suit a pot for zwölf.", pot)[1] == {}
    assert validate(cup, "Its 250 ml suit a pot for 12.")[1] == {"number": 1}


def test_a_number_of_another_candidate_is_rejected() -> None:
    cup, pot = ProductText("cup", "Stone Cup"), ProductText("pot", "Pot", "For 12 cups.")
    answer = {"suggestions": [{"product_id": "cup", "explanation": "Serves 12."}]}
    checked = validate_answer(answer, [Candidate(cup, RULES_EXPLANATION), Candidate(pot, RULES_EXPLANATION)])
    assert checked.rejections == {"number": 1}


def test_a_telephone_number_is_rejected_even_if_it_is_in_the_product_text() -> None:
    cup = ProductText("cup", "Stone Cup", "Call 555 123 4567.")
    assert validate(cup, "Ring 555 123 4567.")[1] == {"number": 1}


def test_a_displayed_explanation_is_normalized() -> None:
    assert validate(PRODUCTS[0], "  Cafe\u0301 \n\t pot ☕\ufe0f. ") == ("Café pot ☕.", {})


def test_invisible_characters_are_removed_from_explanations_of_the_rules() -> None:
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
def test_numbers_are_parsed_from_digits_and_words(text: str, numbers: set[str]) -> None:
    assert numbers_in(text) == numbers
