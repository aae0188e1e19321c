"""A document as PDF, in the shop's colours and display font.

Importing it takes 40 MB and half a second, so only who makes a PDF does."""

from typing import Any

from fpdf import FPDF
from fpdf.enums import TableBordersLayout, XPos, YPos
from fpdf.fonts import FontFace

from storefront.documents.document import Document, DocumentLine, PriceSection
from storefront.documents.fonts import TEXT, add_fonts, texts_of
from storefront.documents.labels import line_columns, tax_headings
from storefront.tenants.colours import light_colours
from storefront.tenants.theme import display_font

MARGIN = 20.0
"""Millimetres, as all lengths here; A4 leaves 170 of width."""
WIDTH = 170.0
LINE = 5.0
COLUMN_WIDTHS = {"name": 78.0, "quantity": 20.0, "unit_price": 27.0, "tax_rate": 18.0, "amount": 27.0}


class DocumentPdf(FPDF):
    """One document. Each page ends with its number."""

    def __init__(self, document: Document, theme: dict[str, Any]) -> None:
        super().__init__(format="A4")
        self.document = document
        self.colours = light_colours(theme)
        self.display = display_font(theme)
        self.set_margins(MARGIN, MARGIN)
        self.c_margin = 0  # texts begin and end where lines do
        self.set_auto_page_break(True, margin=MARGIN)
        self.set_title(f"{document.title} {document.number}")
        self.set_author(document.seller[0])
        self.set_lang(document.language)
        add_fonts(self, self.display, texts_of(document))
        self.set_draw_color(self.colours.line)
        self.set_line_width(0.2)

    def footer(self) -> None:
        self.set_y(-14)
        self.use(8, soft=True)
        self.cell(WIDTH - 8, LINE, f"{self.document.title} {self.document.number}")
        self.use(8, soft=True)  # a text with letters of another font leaves that font behind
        self.cell(8, LINE, f"{self.page_no()} / {{nb}}")  # from the left: the width of {nb} isn't known yet

    def use(self, size: float, bold: bool = False, soft: bool = False) -> None:
        """Set the font of texts."""
        self.set_font(TEXT, "B" if bold else "", size)
        self.set_text_color(self.colours.soft if soft else self.colours.ink)

    def block(self, width: float, height: float, text: str, align: str = "L") -> None:
        """Write lines of this height, and go to the beginning of the next."""
        self.multi_cell(width, height, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def keep_together(self, height: float) -> None:
        """Begin a new page if this one hasn't this height left."""
        if self.will_page_break(height):
            self.add_page()

    def head(self) -> None:
        """The shop's name at the left, who sells at the right, and a line in the shop's colour below."""
        top = self.get_y()
        self.set_font(self.display, "", 20)
        self.set_text_color(self.colours.accent)
        self.block(WIDTH / 2, 9, self.document.shop)
        left = self.get_y()
        self.set_xy(MARGIN + WIDTH / 2, top)
        self.use(8.5, soft=True)
        self.block(WIDTH / 2, 4.2, "\n".join(self.document.seller), align="R")
        self.set_y(max(left, self.get_y()) + 3)
        self.set_fill_color(self.colours.accent)
        self.rect(MARGIN, self.get_y(), WIDTH, 0.7, style="F")
        self.set_fill_color(255)  # else the table's cells have it
        self.set_y(self.get_y() + 9)

    def address_and_facts(self) -> None:
        top = self.get_y()
        if self.document.recipient:
            self.use(8.5, soft=True)
            self.block(80, LINE, self.document.recipient_label)
            self.use(10.5)
            self.block(80, 5.2, "\n".join(self.document.recipient))
        left = self.get_y()
        self.set_y(top)
        for label, value in self.document.facts:
            self.set_x(MARGIN + 90)
            self.use(9, soft=True)
            line_top = self.get_y()
            self.block(38, LINE, label)
            below = self.get_y()
            self.set_xy(MARGIN + 128, line_top)
            self.use(9)
            self.block(42, LINE, value, align="R")
            self.set_y(max(below, self.get_y()))
        self.set_y(max(left, self.get_y()) + 10)

    def title_line(self) -> None:
        self.set_font(self.display, "", 22)
        self.set_text_color(self.colours.ink)
        self.block(WIDTH, 10, f"{self.document.title} {self.document.number}")
        self.set_y(self.get_y() + 3)

    def lines_table(self) -> None:
        columns = line_columns(self.document)
        names = [column.name for column in columns]
        spare = WIDTH - sum(COLUMN_WIDTHS[name] for name in names)
        widths = [COLUMN_WIDTHS[name] + (spare if name == "name" else 0) for name in names]
        self.use(9.5)
        with self.table(
            col_widths=widths,
            width=WIDTH,
            text_align=["LEFT"] + ["RIGHT"] * (len(names) - 1),
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            headings_style=FontFace(emphasis="", size_pt=8.5, color=self.colours.soft),
            line_height=LINE,
            padding=(1.6, 0, 1.6, 0),
        ) as table:
            table.row([column.heading for column in columns])
            for line in self.document.lines:
                table.row([cell_text(line, name) for name in names])
        self.set_y(self.get_y() + 4)

    def price_steps(self, prices: PriceSection) -> None:
        *steps, (total_label, total) = prices.steps
        self.keep_together(len(prices.steps) * (LINE + 0.6) + 12)
        for label, amount in steps:
            self.step(label, amount, LINE + 0.6)
        self.line(MARGIN + 80, self.get_y() + 1.2, MARGIN + WIDTH, self.get_y() + 1.2)
        self.set_y(self.get_y() + 2.4)
        self.step(total_label, total, 8, is_total=True)

    def step(self, label: str, amount: str, height: float, is_total: bool = False) -> None:
        """Write label and amount. Words instead of an amount get the width that the label leaves."""
        top, size = self.get_y(), 13 if is_total else 9.5
        self.use(size, bold=is_total, soft=not is_total)
        label_width = min(self.get_string_width(label) + 5, 55)
        if self.get_string_width(amount) < 35:
            label_width = 55
        self.set_x(MARGIN + 80)
        self.block(label_width, height, label)
        below = self.get_y()
        self.use(size, bold=is_total)
        self.set_xy(MARGIN + 80 + label_width, top)
        self.block(90 - label_width, height, amount, align="R")
        self.set_y(max(below, self.get_y()))

    def tax_table(self, prices: PriceSection) -> None:
        if not prices.tax_rows:
            return
        self.set_y(self.get_y() + 5)
        self.keep_together((len(prices.tax_rows) + 1) * LINE)
        self.use(8.5, soft=True)
        self.tax_row(tax_headings())
        self.use(8.5)
        for row in prices.tax_rows:
            self.tax_row((row.rate, row.net, row.tax, row.total))

    def tax_row(self, values: tuple[str, ...]) -> None:
        self.set_x(MARGIN + 80)
        rate, *amounts = values
        self.cell(21, LINE, rate)
        for amount in amounts:
            self.cell(23, LINE, amount, align="R")
        self.ln(LINE)

    def notes(self, prices: PriceSection) -> None:
        self.set_y(self.get_y() + 6)
        self.use(9)
        for note in prices.notes:
            self.block(WIDTH, LINE, note)


def cell_text(line: DocumentLine, name: str) -> str:
    if name == "name" and line.options:
        return f"{line.name}\n{line.options}"
    text: str = getattr(line, name)
    return text


def render_pdf(document: Document, theme: dict[str, Any]) -> bytes:
    """Return the PDF, in the language of the context, which is the document's."""
    pdf = DocumentPdf(document, theme)
    pdf.add_page()
    pdf.head()
    pdf.address_and_facts()
    pdf.title_line()
    pdf.lines_table()
    if document.prices:
        pdf.price_steps(document.prices)
        pdf.tax_table(document.prices)
        pdf.notes(document.prices)
    return bytes(pdf.output())
