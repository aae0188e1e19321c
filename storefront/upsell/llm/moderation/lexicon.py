"""Compiles the phrases that no explanation may contain; `lexicons/README.md` describes their syntax."""

import re
from pathlib import Path

from storefront.upsell.llm.moderation.data_files import read_lines
from storefront.upsell.llm.moderation.normalization import fold

SYNTAX = {
    "] ": r")\W+)?",
    "[": "(?:(?:",
    "(": "(?:",
    ")": ")",
    "|": "|",
    "*": r"\w*",
    "<number> ": r"[\d一二三四五六七八九十百千万][\d.,]*\W*",
    " <number>": r"\W*\d[\d.,]*",
    "<number>": r"\d[\d.,]*",
    "<any> ": r"(?:\w+\W+){0,3}",
    " ": r"\W+",
}
TOKEN = re.compile(f"({'|'.join(map(re.escape, SYNTAX))})")
SPACED_SCRIPT = re.compile("[a-zͰ-ӿ]")
NEVER = "(?!)"
HONEST = "()"
"""An empty group that takes part in a match of a line that starts with `!`."""


def compile_lexicon(folder: Path) -> re.Pattern[str]:
    """One expression for the phrases in all files of a folder, to be searched in folded texts by holds_phrase()."""
    lines = {line for path in folder.glob("*.txt") for line in read_lines(path)}
    words: list[str] = []
    anywhere: list[str] = []
    # The longest first, and "!" before all letters: at each place the first that fits decides.
    for line in sorted(lines, key=lambda line: (-len(line.lstrip("! ").split()), line)):
        phrase = fold(line.lstrip("! "))
        is_word = SPACED_SCRIPT.search(re.sub("<.*?>", "", phrase)) is not None
        source = "".join(SYNTAX.get(part) or re.escape(part) for part in TOKEN.split(phrase.strip("*")))
        source += r"(?!\w)" if is_word and not phrase.endswith("*") else ""
        if line.startswith("!"):
            source = source.replace(r"\W+", "[ -]") + HONEST
        (words if is_word and not phrase.startswith("*") else anywhere).append(source)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words) or NEVER})|{'|'.join(anywhere) or NEVER}")


def holds_phrase(lexicon: re.Pattern[str], text: str) -> bool:
    """Whether a folded text contains a phrase of the lexicon outside of the allowed ones."""
    return any(match.lastindex is None for match in lexicon.finditer(text))
