"""The fonts of PDF documents, of which a PDF embeds what it uses. See fonts/README.md."""

from collections.abc import Iterator
from dataclasses import astuple
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTFont
from fpdf import FPDF

from storefront.documents.document import Document

FOLDER = Path(__file__).parent / "fonts"
TEXT, JAPANESE = "text", "japanese"
TEXT_FILES = {"": "noto-sans.woff", "B": "noto-sans-bold.woff"}
JAPANESE_FILE = "noto-sans-jp.woff"


def add_fonts(pdf: FPDF, display_font: str, texts: str) -> None:
    """Add the fonts that these texts need. What the display font lacks is taken from the others."""
    for style, name in TEXT_FILES.items():
        pdf.add_font(TEXT, style, FOLDER / name)
    pdf.add_font(display_font, "", FOLDER / f"{display_font}.woff")
    fallbacks = [TEXT]
    if not known_characters(TEXT_FILES[""]).issuperset(texts):
        pdf.add_font(JAPANESE, "", FOLDER / JAPANESE_FILE)  # takes longer than all others together
        fallbacks.append(JAPANESE)
    pdf.set_fallback_fonts(fallbacks, exact_match=False)


def has_all_characters(document: Document) -> bool:
    """Whether the fonts have every character of a document: buyers may be written in any script."""
    known = known_characters(TEXT_FILES[""]) | known_characters(JAPANESE_FILE)
    return known.issuperset(texts_of(document))


def texts_of(document: Document) -> str:
    """Return all texts of a document in one."""
    return "".join(strings_in(astuple(document)))


def strings_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from strings_in(part)


@cache
def known_characters(file_name: str) -> frozenset[str]:
    with TTFont(FOLDER / file_name, lazy=True) as font:
        return frozenset(map(chr, font.getBestCmap()))
