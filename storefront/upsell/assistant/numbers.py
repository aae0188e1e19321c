"""Numbers in a sentence, in figures of any script and in the words of five languages."""

import re
import unicodedata

from storefront.upsell.assistant.text import fold

FIGURES = re.compile(r"\d+(?:[.,']\d{3}(?!\d))*(?:[.,]\d+)?")
THIN = re.compile("(?<=\\d)[\u00a0\u2009\u202f](?=\\d{3})")
"""Blanks that part thousands in French and Ukrainian. A plain one may part two numbers: "A5 192 pages"."""
PHONE = re.compile(r"\d(?:[\s().\-/+]{0,3}\d){6,}")
"""Seven figures in a row or more: nothing that is said of a product, whoever says it."""
WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")

ENGLISH = (
    "two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen",
    "twenty thirty forty fifty sixty seventy eighty ninety",
)
GERMAN = (
    "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf dreizehn vierzehn fünfzehn sechzehn siebzehn achtzehn "
    "neunzehn",
    "zwanzig dreißig vierzig fünfzig sechzig siebzig achtzig neunzig",
)
FRENCH = (
    "deux trois quatre cinq six sept huit - dix onze douze treize quatorze quinze seize dix-sept dix-huit dix-neuf",
    "vingt trente quarante cinquante soixante",
)  # without neuf, which is "new" too
UKRAINIAN = (
    "два три чотири п'ять шість сім вісім дев'ять десять одинадцять дванадцять тринадцять чотирнадцять п'ятнадцять "
    "шістнадцять сімнадцять вісімнадцять дев'ятнадцять",
    "двадцять тридцять сорок п'ятдесят шістдесят сімдесят вісімдесят дев'яносто",
)
OTHERS = {
    2: "дві двох двом двома",
    3: "трьох трьом трьома",
    4: "чотирьох чотирма",
    5: "п'яти п'ятьох",
    6: "шести шістьох",
    7: "семи сімох",
    8: "восьми вісьмох",
    9: "дев'яти",
    10: "десяти десятьох",
    12: "dozen dozens dutzend douzaine дюжина",
    100: "hundred hundreds hundert cent cents сто",
    200: "двісті",
    1000: "thousand thousands tausend mille тисяча тисячі тисяч",
    1_000_000: "million millions millionen мільйон мільйонів",
}
JAPANESE = re.compile(
    r"[一二三四五六七八九十百千]+(?=[つ枚本個杯冊箱円割人回色点台袋倍年]|日(?!月|本)|時間|ページ|セット|グラム)"
)
"""Only before what is counted: 万年筆 is a fountain pen, and 十分 is enough."""


def words_of_numbers() -> dict[str, int]:
    found: dict[str, int] = {}
    for units, tens in (ENGLISH, GERMAN, FRENCH, UKRAINIAN):
        found |= {fold(word): 2 + i for i, word in enumerate(units.split())}
        found |= {fold(word): 20 + 10 * i for i, word in enumerate(tens.split())}
    for i, ten in enumerate(GERMAN[1].split()):
        for unit, word in enumerate(["ein", *GERMAN[0].split()[:8]], 1):
            found[fold(f"{word}und{ten}")] = 20 + 10 * i + unit
    found |= {fold(word): value for value, words in OTHERS.items() for word in words.split()}
    return found


VALUES = words_of_numbers()


def numbers_in(text: str) -> set[str]:
    """All numbers from two in words, and all in figures, each as a plain decimal: "3,000" and "3.000" give 3000."""
    folded = fold(THIN.sub("", text))
    found = {decimal(figures[0]) for figures in FIGURES.finditer(folded)}
    found |= {f"{unicodedata.numeric(sign):g}" for sign in folded if unicodedata.category(sign) in ("No", "Nl")}
    found |= {str(value) for value in spoken(folded) if value > 1}
    return found


def decimal(figures: str) -> str:
    parts = re.split(r"[.,']", figures)
    ends = parts.pop() if len(parts) > 1 and len(parts[-1]) != 3 else ""
    whole = str(int("".join(parts)[:40]))
    fraction = "".join(str(unicodedata.digit(sign)) for sign in ends).rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def spoken(folded: str) -> list[int]:
    """The values of the words; "thirty-six" and "two hundred" are one number each."""
    found: list[int] = []
    last = 0
    for word in WORD.findall(folded):
        value = VALUES.get(word, 1 if word in ("one", "un", "один") else 0)
        if 20 <= last < 100 and last % 10 == 0 and 0 < value < 10:
            found[-1:] = [value := last + value]
        elif 1 < last < 100 and value in (100, 1000):
            found[-1:] = [value := last * value]
        elif value > 1:
            found.append(value)
        last = value
    return found + [kanji(run) for run in JAPANESE.findall(folded)]


def kanji(run: str) -> int:
    """三十六 gives 36."""
    total = unit = 0
    for sign in run:
        if sign in (big := {"十": 10, "百": 100, "千": 1000}):
            total, unit = total + (unit or 1) * big[sign], 0
        else:
            unit = "一二三四五六七八九".index(sign) + 1
    return total + unit
