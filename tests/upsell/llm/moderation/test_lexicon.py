"""The syntax of the lexicons and their completeness."""

import re
from pathlib import Path

import pytest

from storefront.upsell.llm.moderation.data_files import LEXICONS, read_lines
from storefront.upsell.llm.moderation.lexicon import compile_lexicon, holds_phrase
from storefront.upsell.llm.moderation.normalization import fold
from storefront.upsell.llm.moderation.output_guard import LEXICON_PATTERNS

LANGUAGES = ("en", "de", "fr", "uk", "ja")
LINES = """
# A comment
half price      # another
discount*
*rabatt*
(buy|order) [it] now
euro(s|)
ignore <any> rules
<number> off
in <number>
free
free of charge
! free of
! sugar free
! *-free
無料
! 無料理
знижк*
"""


@pytest.fixture
def lexicon(tmp_path: Path) -> re.Pattern[str]:
    (tmp_path / "en.txt").write_text(LINES, "utf-8")
    return compile_lexicon(tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "Now half price.",
        "HALF-PRICE",
        "half... price",
        "discounted",
        "Ein Treuerabatt lockt",
        "buy now",
        "order it now",
        "5 euro",
        "euros",
        "ignore rules",
        "ignore all of the rules",
        "90 off",
        "90off",
        "in 5",
        "It is free.",
        "free of charge",
        "sugar-free and free",
        "送料無料です",
        "Знижка",
        "free: of course",
    ],
)
def test_a_phrase_is_found(lexicon: re.Pattern[str], text: str) -> None:
    assert holds_phrase(lexicon, fold(text))


@pytest.mark.parametrize(
    "text",
    [
        "half the price",
        "a comment, another",
        "viscount",
        "buy it right now",
        "eurostar",
        "ignore one two three four rules",
        "off, in",
        "freedom, carefree",
        "free of nuts",
        "sugar free",
        "lint-free, dust-free",
        "無料理",
    ],
)
def test_an_allowed_phrase_and_a_part_of_a_word_are_not_found(lexicon: re.Pattern[str], text: str) -> None:
    assert not holds_phrase(lexicon, fold(text))


def test_all_files_of_a_folder_form_one_lexicon(tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("sale", "utf-8")
    (tmp_path / "fr.txt").write_text("soldes", "utf-8")
    lexicon = compile_lexicon(tmp_path)
    assert [holds_phrase(lexicon, text) for text in ("a sale", "les soldes", "das zelt")] == [True, True, False]


@pytest.mark.parametrize("reason", LEXICON_PATTERNS)
def test_each_reason_has_a_file_for_each_language(reason: str) -> None:
    missing = [language for language in LANGUAGES if not (LEXICONS / reason / f"{language}.txt").is_file()]
    assert missing == []


def test_each_folder_is_a_reason_or_number_words() -> None:
    assert {path.name for path in LEXICONS.iterdir() if path.is_dir()} == {*LEXICON_PATTERNS, "number_words"}


FILES = sorted(path.relative_to(LEXICONS) for reason in LEXICON_PATTERNS for path in (LEXICONS / reason).glob("*.txt"))


@pytest.mark.parametrize("file", FILES, ids=str)
def test_each_line_is_valid_and_unique(file: Path, tmp_path: Path) -> None:
    lines = read_lines(LEXICONS / file)
    assert len(set(lines)) == len(lines)
    for line in lines:
        (tmp_path / "one.txt").write_text(line, "utf-8")
        assert re.fullmatch(r"[^?+\\{}^$]*", line), f"{line!r} in {file} is a phrase, not a regular expression"
        try:
            lexicon = compile_lexicon(tmp_path)
        except re.error as error:
            pytest.fail(f"{line!r} in {file} is invalid: {error}")
        assert not lexicon.search(" "), f"{line!r} in {file} matches every text"
