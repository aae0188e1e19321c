"""Amounts of many digits in a PDF: each on one line, and none over another."""

from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader

from storefront.documents.document import Document, DocumentLine, PriceSection, TaxRow
from storefront.documents.pdf import DocumentPdf, render_pdf


def document_of(amount: str) -> Document:
    line = DocumentLine("A kettle with a rather long name", "Red, XL", "1,000", amount, "19.25%", amount)
    steps = (("Subtotal", amount), ("Tax (19.25%)", amount), ("Total", amount))
    prices = PriceSection(steps, (TaxRow("19.25%", amount, amount, amount),), ())
    facts = (("Invoice number", "INV-2026-0001"),)
    return Document("Invoice", "INV-2026-0001", "en", "West", ("West",), "To", ("Ada",), facts, (line,), prices)


def places_of(content: bytes, amount: str) -> list[tuple[float, float, float]]:
    """Return the place of each amount in points: top, left, and size of its font."""
    found: list[tuple[float, float, float]] = []

    def note(text: str, _cm: Any, matrix: list[float], _font: Any, size: float) -> None:
        if text.strip() == amount:
            found.append((matrix[5], matrix[4], size))

    PdfReader(BytesIO(content)).pages[0].extract_text(visitor_text=note)
    return found


@pytest.mark.parametrize("amount", ["€1.00", "KWD607,951.575", "IDR 43,290,000.00", "IDR 9,999,999,999,999.99"])
def test_each_amount_is_on_one_line_and_beside_the_others(app: Flask, amount: str) -> None:
    document = document_of(amount)
    with app.app_context():
        places = sorted(places_of(render_pdf(document, {}), amount), reverse=True)
        measure = DocumentPdf(document, {})
        measure.add_page()
    assert len(places) == 2 + 3 + 3, "an amount is broken"
    for (top, right, _size), (other, left, size) in pairwise(places):
        measure.use(size)
        if top == other:
            assert left + measure.get_string_width(amount) * measure.k < right
    measure.output()  # closes the files of its fonts
