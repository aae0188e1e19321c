"""Documents as responses: the page to print, and the PDF. Both are made in the document's language."""

from typing import NamedTuple

from flask import Response, flash, get_flashed_messages, redirect, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.documents.labels import line_columns, tax_headings
from storefront.documents.sources import DocumentSource
from storefront.i18n.gettext import _
from storefront.i18n.locale import override_locale, shopper_language
from storefront.tenants.context import current_tenant
from storefront.web.htmx import no_store, render_page


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


def document_page(source: DocumentSource, back_to: str, pdf_url: str) -> Response:
    """Respond with the page of a document. `back_to` is the endpoint of the order's page."""
    bar = DocumentBar(
        language=shopper_language(),
        label=_("Document"),
        back=_("Order %(number)s", number=source.order_number),
        back_url=url_for(back_to, order_id=source.order_id),
        pdf=_("Download PDF"),
        pdf_url=pdf_url,
        print=_("Print"),
        message=" ".join(str(message) for message in get_flashed_messages()),
    )
    with override_locale(source.language):
        document = source.make()
        columns, headings = line_columns(document), tax_headings()
        return no_store(
            render_page("documents/document.html", document=document, bar=bar, columns=columns, tax_headings=headings)
        )


def document_pdf(source: DocumentSource, page_url: str) -> AnyResponse:
    """Respond with the PDF of a document; with a redirect to its page, which any browser can print, if it has
    characters that the fonts of PDFs lack."""
    from storefront.documents.fonts import has_all_characters  # noqa: PLC0415 - 40 MB that few processes need
    from storefront.documents.pdf import render_pdf  # noqa: PLC0415

    with override_locale(source.language):
        document = source.make()
        if has_all_characters(document):
            response = Response(render_pdf(document, current_tenant().theme), mimetype="application/pdf")
            response.headers["Content-Disposition"] = f'inline; filename="{document.number}.pdf"'
            return no_store(response)
    flash(_("We can't make a PDF of some letters in this document. Please print this page instead."), "notice")
    return redirect(page_url, 303)
