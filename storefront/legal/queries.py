"""Reads of the legal texts, which the settings of a request don't hold."""

from sqlalchemy import select

from storefront.db.base import db
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.tenants.context import current_tenant
from storefront.tenants.legal import LegalPage, LegalText
from storefront.tenants.models import Tenant


def load_legal_text(page: LegalPage) -> LegalText:
    """Return the text of a legal page. Raises `NotFound` if it has just been removed."""
    texts = db.session.scalar(select(Tenant.legal_texts).where(Tenant.id == current_tenant().id)) or {}
    if page not in texts:
        raise NotFound(_("We couldn't find this page."))
    text: LegalText = texts[page]
    return text
