"""The settings of tax: the main rate, classes of products, and other countries."""

from typing import Any

from flask import url_for
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.settings_forms import form_state, merged, opened_with, save_form, split_rows, stored_row
from storefront.admin.settings_tax_forms import (
    ADDED,
    INCLUDED,
    MAX_CLASSES,
    MAX_COUNTRIES,
    NONE,
    tax_setting,
    tax_values,
    typed_tax,
)
from storefront.admin.settings_words import country_choices
from storefront.catalog.models import Product
from storefront.catalog.shop_settings import change_settings
from storefront.db.base import db
from storefront.errors import FieldError, Invalid, Refusal
from storefront.i18n.gettext import _, ngettext
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.tenants.models import Tenant
from storefront.web.htmx import no_store, render_page

PAGE = "admin.tax_settings"
SPARE_ROWS = 2


def show_tax(refusal: Refusal | None = None) -> Response:
    state = form_state(tax_values(stored_row().tax), typed_tax(), refusal)
    classes, countries = (split_rows(state.values[name]) for name in ("classes", "countries"))
    return no_store(
        render_page(
            "admin/settings_tax.html",
            http_status=refusal.status if refusal else 200,
            state=state,
            kinds={
                NONE: _("No tax"),
                INCLUDED: _("Prices include tax"),
                ADDED: _("Tax is added to prices"),
            },
            max_classes=MAX_CLASSES,
            max_countries=MAX_COUNTRIES,
            classes=classes + [["", ""]] * min(SPARE_ROWS, MAX_CLASSES - len(classes)),
            tax_countries=countries + [["", "", ""]] * min(SPARE_ROWS, MAX_COUNTRIES - len(countries)),
            countries={"": _("Choose a country")} | country_choices(),
        )
    )


@pages.get("/settings/tax")
@requires(Permission.SETTINGS_WRITE)
def tax_settings() -> Response:
    return show_tax()


@pages.post("/settings/tax")
@requires(Permission.SETTINGS_WRITE)
def save_tax_settings() -> Response:
    typed, was = typed_tax(), opened_with()

    def change(row: Tenant) -> dict[str, Any]:
        tax = tax_setting(merged(tax_values(row.tax), typed, was))
        check_removed_classes(set((row.tax or {}).get("classes") or ()) - set((tax or {}).get("classes") or ()))
        return {"tax": tax}

    return save_form(lambda: change_settings(current_tenant().id, "tax", change), show_tax, url_for(PAGE))


def check_removed_classes(removed: set[str]) -> None:
    """Raises `Invalid` if products are in a class that is removed."""
    for name in sorted(removed):
        number = db.session.scalar(select(func.count()).select_from(Product).where(Product.tax_class == name))
        if number:
            text = ngettext(
                "%(num)s product is in the class “%(name)s”. Choose another class on its page first.",
                "%(num)s products are in the class “%(name)s”. Choose another class on their pages first.",
                number,
                name=name,
            )
            raise Invalid(FieldError("classes", text))
