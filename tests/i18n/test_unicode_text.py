"""Unicode text: invisible characters, cutting at grapheme clusters, isolation of right-to-left text."""

import unicodedata

import pytest
from markupsafe import Markup

from storefront.i18n.unicode_text import (
    cut,
    first_character,
    has_control,
    has_visible,
    isolated,
    plain_address,
    plain_code,
    shortened,
    single_line,
    without_direction_controls,
)

FAMILY, FLAG, ACCENT, KSHI = "👨‍👩‍👧", "🇩🇪", "e\u0301", "क्षि"
INVISIBLE = [
    *("", "\u00a0", "\u200b", "\u200b\u200d", "\ufeff", "\u00ad", "\u2060", "\u3164", "\u115f\u1160", "\uffa0"),
    *("\u2800", "\u202e", "\u2028", "\ufe0f", "\u034f", "\U000e0020", "\u180e", "\t\n ", "\x00", "\u061c"),
]


@pytest.mark.parametrize("text", INVISIBLE)
def test_text_of_invisible_characters_is_not_visible(text: str):
    assert not has_visible(text)
    assert has_visible(text + "A")


@pytest.mark.parametrize("text", ["Ada", "艾达", "علي", "☕", "é", "𝒜", "0", "-"])
def test_text_with_a_visible_character_is_visible(text: str):
    assert has_visible(text)


def test_white_space_is_no_control_character():
    assert not has_control("a\tb\nc\r\u0085\u00a0")
    assert all(has_control(text) for text in ("a\0", "\x1b[0m", "\x7f", "\x9b", "\ud83d"))


def test_single_line_keeps_joiners_and_removes_invisible_characters():
    assert single_line("  Ada\u202e\u200b \n Love\u00adlace\ufeff ") == "Ada Lovelace"
    assert single_line(f"Zoe\u0308 {FAMILY} می\u200cخواهم ☕\ufe0f") == f"Zoë {FAMILY} می\u200cخواهم ☕\ufe0f"
    assert without_direction_controls("\u2066a\u2069\u200f\u202eb") == "a\u200fb"


@pytest.mark.parametrize(
    "typed",
    ["SUMMER-10", " summer-10 ", "summer-10\u200b", "\ufeffsummer-10", "sum\u00admer-10",
     "ｓｕｍｍｅｒ－１０", "summer\u201110", "summer\u201310", "\u2066summer-10\u2069", "summer-10\u00a0",
     "\u3000summer-10", "summer\u221210"],
)  # fmt: skip
def test_pasted_promo_code_is_normalized(typed: str):
    assert plain_code(typed).upper() == "SUMMER-10"


def test_full_width_email_address_is_normalized():
    assert plain_address("\u3000ａda＠x。ro\u200b ") == "ada@x.ro"


@pytest.mark.parametrize("char", [FAMILY, FLAG, ACCENT, KSHI, "☕\ufe0f", "👍🏽", "각"])
def test_cut_never_splits_a_grapheme_cluster(char: str):
    text = char * 5
    for limit in range(len(text) + 2):
        part = cut(text, limit)
        assert len(part) <= limit
        assert part == char * (limit // len(char) if limit < len(text) else 5)
        assert len(shortened(text, max(limit, 1))) <= max(limit, 1)
    assert first_character(text) == char


def test_short_text_is_not_cut():
    assert cut("Tea", 3) == shortened("Tea", 3) == "Tea"
    assert shortened("Tea and more", 5) == "Tea…"
    assert cut("Tea", 2) == "Te"
    assert first_character("") == ""


def test_only_right_to_left_text_is_isolated():
    assert isolated("שלום 5") == "\u2068שלום 5\u2069"
    assert isolated("Größe 日本 ☕") == "Größe 日本 ☕"
    assert isolated("Ada\u202e") == "Ada"
    marked = isolated(Markup("<b>علي</b>"))
    assert isinstance(marked, Markup)
    assert unicodedata.bidirectional(marked[0]) == "FSI"
