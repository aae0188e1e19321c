"""Finds the numbers in texts, in digits of any script and in the words of five languages."""

import re
import unicodedata
from collections.abc import Iterable
from decimal import Decimal

from storefront.upsell.llm.moderation.data_files import LEXICONS, read_lines
from storefront.upsell.llm.moderation.normalization import fold
from storefront.upsell.types import ProductText

FIGURES = re.compile(r"\d+(?:[.,']\d{3}(?!\d))*(?:[.,]\d+)?")
THOUSANDS = re.compile(r"[.,'](?=\d{3}(?!\d))")
THIN_SPACE = re.compile("(?<=\\d)[\u00a0\u2009\u202f](?=\\d{3})")
"""Separates thousands in French and Ukrainian. A plain blank may separate two numbers: "A5 192 pages"."""
VALUES = {
    fold(word): int(line.split()[0])
    for path in (LEXICONS / "number_words").glob("*.txt")
    for line in read_lines(path)
    for word in line.split()[1:]
}
NUMERIC = ("No", "Nl")
"""The categories of ½, ❷ and Ⅳ, which FIGURES doesn't match."""
WORD = re.compile(rf"(?<!\w)(?:{'|'.join(sorted(VALUES, key=len, reverse=True))})(?!\w)|[^\W\d_]+")
KANJI = re.compile(
    r"[一二三四五六七八九十百千]+(?=[つ枚本個杯冊箱円割人回色点台袋倍年]|日(?!月|本)|時間|ページ|セット|グラム)"
)
"""Only before a counter: 万年筆 is a fountain pen, and 十分 is enough."""


def numbers_of(products: Iterable[ProductText]) -> set[str]:
    """The numbers in the texts of these products."""
    return {
        number
        for product in products
        for text in (product.name, product.description, product.category, *product.tags)
        for number in numbers_in(text)
    }


def numbers_in(text: str) -> set[str]:
    """All numbers in figures, and those from two in words, as plain decimals: "3,000" and "3.000" give 3000."""
    folded = fold(THIN_SPACE.sub("", text))
    plain = (THOUSANDS.sub("", figures).replace(",", ".") for figures in FIGURES.findall(folded))
    found = {f"{Decimal(figures).normalize():f}" for figures in plain}
    found |= {
        f"{unicodedata.numeric(char):g}" for char in folded if char > "~" and unicodedata.category(char) in NUMERIC
    }
    found |= {str(value) for value in number_words(folded) if value > 1}
    return found | {str(kanji_value(run)) for run in KANJI.findall(folded)}


def number_words(folded: str) -> list[int]:
    """The values of words; "thirty-six" and "two hundred" are one number each. Other words count as 0."""
    found = [0]
    for word in WORD.findall(folded):
        value, last = VALUES.get(word, 0), found[-1]
        if 20 <= last < 100 and last % 10 == 0 and 0 < value < 10:
            found[-1] += value
        elif 1 < last < 100 and value in (100, 1000):
            found[-1] *= value
        else:
            found.append(value)
    return found


def kanji_value(run: str) -> int:
    """三十六 gives 36."""
    total = unit = 0
    for value in (int(unicodedata.numeric(char)) for char in run):
        total, unit = (total + (unit or 1) * value, 0) if value >= 10 else (total, value)
    return total + unit
