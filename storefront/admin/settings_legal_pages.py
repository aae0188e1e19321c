"""The settings of the texts of the legal pages, each in several languages."""

from collections.abc import Mapping
from typing import Any

from flask import request, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.product_forms import other_languages
from storefront.admin.settings_forms import Values, checked, form_state, merged, opened_with, save_form, stored_row
from storefront.admin.settings_forms import text_of as typed_text
from storefront.catalog.selling_schema import MAX_LEGAL_TEXT, ContactSetting
from storefront.catalog.shop_settings import change_settings
from storefront.errors import FieldError, Invalid, Refusal
from storefront.i18n.gettext import _
from storefront.i18n.negotiation import LANGUAGES
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.tenants.legal import LEGAL_PAGE_NAMES, LegalPage, contact_columns, text_by_language
from storefront.tenants.models import Tenant
from storefront.web.htmx import no_store, render_page

PAGE = "admin.legal_settings"
MAX_FORM_BYTES = 4 * 1024 * 1024
"""Four texts in five languages, of 50,000 characters each, up to four bytes a character. Other forms have the app's
lower limit."""


def page_names() -> dict[LegalPage, str]:
    return {page: _(name) for page, name in LEGAL_PAGE_NAMES.items()}


def fields_of(page: LegalPage) -> dict[str, str]:
    """Return the fields of a text by language: the page's own name for the shop's language."""
    own = current_tenant().default_language
    return {own: page.value} | {language: f"{page}_{language}" for language in other_languages(current_tenant())}


def stored_values(row: Tenant) -> dict[str, str]:
    values: dict[str, str] = {}
    for page in LegalPage:
        texts = text_by_language((row.legal_texts or {}).get(page), current_tenant().default_language)
        values |= {name: texts.get(language, "") for language, name in fields_of(page).items()}
    return values


def changed_columns(row: Tenant, values: Values) -> dict[str, Any]:
    """Return the columns with these values. Raises `Invalid`."""
    labels = {page.value: name for page, name in page_names().items()}
    sent = {page.value: legal_text(page, values) for page in LegalPage}
    messages = dict.fromkeys(labels, _("This text can't contain control characters."))
    contact = checked(ContactSetting, {**(row.contact or {}), **sent}, labels, messages)
    return contact_columns(contact.model_dump())


def legal_text(page: LegalPage, values: Values) -> Mapping[str, str] | str | None:
    """Return a text as catalogue files have it. Raises `Invalid` if it is missing in the shop's own language."""
    own = current_tenant().default_language
    texts = {language: values[name] for language, name in fields_of(page).items() if values[name]}
    if texts and own not in texts:
        message = _("Write this text in the shop's own language too: %(language)s.", language=LANGUAGES[own])
        raise Invalid(FieldError(page.value, message))
    return texts if len(texts) > 1 else texts.get(own)


def show_form(refusal: Refusal | None = None) -> Response:
    typed = typed_values() if refusal else None
    return no_store(
        render_page(
            "admin/settings_legal.html",
            http_status=refusal.status if refusal else 200,
            state=form_state(stored_values(stored_row()), typed, refusal),
            pages=page_names(),
            languages=other_languages(current_tenant()),
            max_length=MAX_LEGAL_TEXT,
        )
    )


def typed_values() -> dict[str, str]:
    return {name: typed_text(name) for page in LegalPage for name in fields_of(page).values()}


@pages.get("/settings/legal")
@requires(Permission.SETTINGS_WRITE)
def legal_settings() -> Response:
    return show_form()


@pages.post("/settings/legal")
@requires(Permission.SETTINGS_WRITE)
def save_legal_settings() -> Response:
    request.max_content_length = request.max_form_memory_size = MAX_FORM_BYTES
    typed, was = typed_values(), opened_with()

    def change(row: Tenant) -> dict[str, Any]:
        return changed_columns(row, merged(stored_values(row), typed, was))

    return save_form(lambda: change_settings(current_tenant().id, "legal", change), show_form, url_for(PAGE))
