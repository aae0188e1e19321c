"""A document as both the page and the PDF show it: texts only, formatted in its language."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DocumentLine:
    """Texts of a row of the table. Without prices only the quantity is given."""

    name: str
    options: str
    quantity: str
    unit_price: str = ""
    tax_rate: str = ""
    amount: str = ""


@dataclass(frozen=True)
class TaxRow:
    """A rate with the amount that it is charged on, the tax, and both together."""

    rate: str
    net: str
    tax: str
    total: str


@dataclass(frozen=True)
class PriceSection:
    """What stands below the lines: labels with amounts, the last of which is the total; the tax by rate; notes."""

    steps: tuple[tuple[str, str], ...]
    tax_rows: tuple[TaxRow, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """`facts` are labels with their values. A document without `prices` has lines with a quantity only."""

    title: str
    number: str
    language: str
    shop: str
    seller: tuple[str, ...]
    """Lines: the seller's name first."""
    recipient_label: str
    recipient: tuple[str, ...]
    """Lines: the recipient's name first; empty if nobody is named."""
    facts: tuple[tuple[str, str], ...]
    lines: tuple[DocumentLine, ...]
    prices: PriceSection | None = None

    @property
    def has_tax_rates(self) -> bool:
        return any(line.tax_rate for line in self.lines)
