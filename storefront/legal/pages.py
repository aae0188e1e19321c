"""The shop's legal pages, made of texts in its settings. There is no page without a text, and no link to one."""

from flask import Blueprint, Flask, Response

from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.legal.order_button import order_button_text, requires_order_wording
from storefront.legal.paragraphs import paragraphs
from storefront.legal.queries import load_legal_text
from storefront.tenants.context import current_tenant
from storefront.tenants.legal import LEGAL_PAGE_NAMES, LegalPage
from storefront.web.htmx import render_page

pages = Blueprint("legal", __name__)


@pages.get("/legal/<page>")
def legal_page(page: str) -> Response:
    """Show a legal page. Raises `NotFound` for one without a text."""
    if page not in current_tenant().legal_pages:
        raise NotFound(_("We couldn't find this page."))
    text = current_tenant().localize(load_legal_text(LegalPage(page)))
    return render_page("legal/page.html", title=legal_page_names()[page], text=text, paragraphs=paragraphs(text))


def legal_page_names() -> dict[str, str]:
    return {page: _(name) for page, name in LEGAL_PAGE_NAMES.items()}


def init_app(app: Flask) -> None:
    app.jinja_env.globals.update(
        legal_page_names=legal_page_names,
        order_button_text=order_button_text,
        requires_order_wording=requires_order_wording,
    )
