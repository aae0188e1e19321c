"""Headings of a document's tables, for the page and the PDF."""

from typing import NamedTuple

from storefront.documents.document import Document
from storefront.i18n.gettext import _


class Column(NamedTuple):
    """A column of the lines: the member of `DocumentLine`, and its heading."""

    name: str
    heading: str


def line_columns(document: Document) -> tuple[Column, ...]:
    item, quantity = Column("name", _("Item")), Column("quantity", _("Quantity"))
    if document.prices is None:
        return item, quantity
    rate = (Column("tax_rate", _("Tax")),) if document.has_tax_rates else ()
    return item, quantity, Column("unit_price", _("Unit price")), *rate, Column("amount", _("Amount"))


def tax_headings() -> tuple[str, ...]:
    return _("Tax rate"), _("Net"), _("Tax"), _("Total")
