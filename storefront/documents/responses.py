"""Documents as responses: the page to print, and the PDF. Both are made in the document's language."""

from collections.abc import Callable
from typing import NamedTuple

from flask import Response, flash, get_flashed_messages, redirect
from werkzeug.wrappers import Response as AnyResponse

from storefront.documents.document import Document
from storefront.documents.labels import line_columns, tax_headings
from storefront.i18n.gettext import _
from storefront.i18n.locale import override_locale, shopper_language
from storefront.tenants.context import current_tenant
from storefront.web.htmx import render_page

MakeDocument = Callable[[], Document]


class DocumentBar(NamedTuple):
    """Texts and links above the sheet, in the reader's language."""

    language: str
    label: str
    back: str
    back_url: str
    pdf: str
    pdf_url: str
    print: str
    message: str


def document_page(make: MakeDocument, language: str, back: str, back_url: str, pdf_url: str) -> Response:
    """Respond with the page of the document that `make` returns. `back` names the page at `back_url`."""
    message = " ".join(str(message) for message in get_flashed_messages())
    bar = DocumentBar(
        shopper_language(), _("Document"), back, back_url, _("Download PDF"), pdf_url, _("Print"), message
    )
    with override_locale(language):
        document = make()
        columns, headings = line_columns(document), tax_headings()
        page = render_page(
            "documents/document.html", document=document, bar=bar, columns=columns, tax_headings=headings
        )
    page.headers["Cache-Control"] = "no-store"
    return page


def document_pdf(make: MakeDocument, language: str, page_url: str) -> AnyResponse:
    """Respond with the PDF of the document that `make` returns; with a redirect to its page, which any browser can
    print, if it has characters that the fonts of PDFs lack."""
    from storefront.documents.fonts import has_all_characters  # noqa: PLC0415 - 40 MB that few processes need
    from storefront.documents.pdf import render_pdf  # noqa: PLC0415

    with override_locale(language):
        document = make()
        if has_all_characters(document):
            response = Response(render_pdf(document, current_tenant().theme), mimetype="application/pdf")
            response.headers["Cache-Control"] = "no-store"
            response.headers["Content-Disposition"] = f'inline; filename="{document.number}.pdf"'
            return response
    flash(_("We can't make a PDF of some letters in this document. Please print this page instead."), "notice")
    return redirect(page_url, 303)
