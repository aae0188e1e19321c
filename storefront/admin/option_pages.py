"""The back office's page of a product's options, and of which variants it comes in."""

from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.option_forms import (
    OptionRows,
    missing_combinations,
    read_edits,
    stored_rows,
    typed_rows,
    values_without_variant,
    with_their_values,
)
from storefront.admin.product_forms import other_languages, read_amount, read_whole
from storefront.admin.product_view import errors_of
from storefront.catalog.models import Product
from storefront.catalog.option_actions import add_variants, change_options, remove_variants
from storefront.catalog.refusals import EditConflict
from storefront.catalog.staff_queries import find_product, is_sold, list_variants
from storefront.catalog.variant_schema import MAX_STOCK
from storefront.errors import FieldError, Invalid, NotFound, Refusal
from storefront.i18n.gettext import _, ngettext
from storefront.orders.variant_use import variants_in_use
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.web.htmx import no_store, render_page


@pages.get("/products/<product_id>/options")
@requires(Permission.CATALOG_WRITE)
def options(product_id: str) -> Response:
    return show_options(product_id)


def find_with_options(product_id: str) -> Product:
    """Return the product. Raises `NotFound`, also for one without options."""
    row = find_product(product_id)
    if not row.options:
        raise NotFound(_("This product has no options."))
    return row


def show_options(product_id: str, refusal: Refusal | None = None, section: str = "") -> Response:
    """Render the page. `refusal` is shown in the section whose form was sent, with what was typed."""
    row, variants = find_with_options(product_id), list_variants(product_id)
    return no_store(
        render_page(
            "admin/product_options.html",
            http_status=refusal.status if refusal else 200,
            product=row,
            options=option_rows(row, refusal if section == "options" else None),
            variants=[one for one in variants if is_sold(one)],
            unused=values_without_variant(row, variants),
            missing=len(missing_combinations(row, variants)),
            languages_besides=other_languages(current_tenant()),
            currency=current_tenant().currency,
            section=section,
            errors=errors_of(refusal),
            message=refusal.detail if isinstance(refusal, EditConflict) else "",
            values=request.form if section == "add" else {},
            chosen=request.form.getlist("variant") if section == "remove" else [],
        )
    )


def option_rows(row: Product, refusal: Refusal | None) -> list[OptionRows]:
    tenant = current_tenant()
    if refusal is None:
        return stored_rows(tenant, row)
    if isinstance(refusal, EditConflict):
        return with_their_values(tenant, typed_rows(tenant, request.form, refusal.current), row)
    return typed_rows(tenant, request.form)


@pages.post("/products/<product_id>/options")
@requires(Permission.CATALOG_WRITE)
def save_options(product_id: str) -> Response:
    """Rename options; rename, add and remove values."""
    find_with_options(product_id)
    tenant = current_tenant()
    try:
        change_options(tenant, product_id, read_edits(tenant, request.form), variants_in_use)
    except (Invalid, EditConflict) as refusal:
        return show_options(product_id, refusal, "options")
    return back(product_id, _("Saved."))


@pages.post("/products/<product_id>/options/variants")
@requires(Permission.CATALOG_WRITE)
def add_product_variants(product_id: str) -> Response:
    """Add one variant, or with `all` each combination that is missing."""
    row, tenant = find_with_options(product_id), current_tenant()
    try:
        price, stock = read_price_and_stock(tenant.currency)
        chosen = [request.form.get(f"choice_{number}", "") for number in range(1, len(row.options or []) + 1)]
        wanted: list[Any] = (
            missing_combinations(row, list_variants(product_id)) if request.form.get("all") else [chosen]
        )
        number = add_variants(tenant, product_id, wanted, price, stock)
    except Invalid as refusal:
        return show_options(product_id, refusal, "add")
    if not number:
        return back(product_id, _("This variant is there already."))
    return back(product_id, ngettext("%(num)s variant added.", "%(num)s variants added.", number))


def read_price_and_stock(currency: str) -> tuple[int | None, int]:
    """Return what the form says of new variants. Raises `Invalid`."""
    price = request.form.get("price", "").strip()
    stock = read_whole("stock", request.form.get("stock", "") or "0")
    if not 0 <= stock <= MAX_STOCK:
        message = _("The stock can't be less than 0.") if stock < 0 else _("Enter a whole number.")
        raise Invalid(FieldError("stock", message))
    return read_amount("price", price, currency) if price else None, stock


@pages.post("/products/<product_id>/options/remove")
@requires(Permission.CATALOG_WRITE)
def remove_product_variants(product_id: str) -> Response:
    """Remove the selected variants."""
    find_with_options(product_id)
    ids = request.form.getlist("variant")
    try:
        if not ids:
            raise Invalid(FieldError("variants", _("Select a variant first.")))
        archived = remove_variants(current_tenant(), product_id, ids, variants_in_use)
    except Invalid as refusal:
        return show_options(product_id, refusal, "remove")
    if archived:
        text = ngettext(
            "Removed. %(num)s variant is in orders or carts, so it was archived.",
            "Removed. %(num)s variants are in orders or carts, so they were archived.",
            archived,
        )
        return back(product_id, text)
    return back(product_id, _("Removed."))


def back(product_id: str, message: str) -> Response:
    flash(message, "success")
    return redirect(url_for("admin.options", product_id=product_id), 303)
