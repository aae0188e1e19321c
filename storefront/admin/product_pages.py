"""The back office's pages of one product: create it, change its details, picture, stock and variants."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.product_forms import (
    WAS,
    details_and_base,
    form_values,
    new_product,
    other_languages,
    read_amount,
    read_whole,
    variant_values,
)
from storefront.admin.product_queries import product_names
from storefront.admin.product_words import STATUS_NAMES, STATUS_SHAPES, STOCK_REASONS, VARIANT_STATUS_NAMES
from storefront.catalog import actions, pictures
from storefront.catalog.models import Product, ProductStatus
from storefront.catalog.pages import cached_category_counts
from storefront.catalog.product_input import MAX_REASON_LENGTH, VariantInput, checked, product_entry
from storefront.catalog.refusals import EditConflict
from storefront.catalog.staff_queries import find_product, list_variants, total_stock
from storefront.errors import FieldError, Invalid, Refusal
from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import single_line
from storefront.staff.access import requires
from storefront.staff.forms import no_store
from storefront.staff.permissions import Permission
from storefront.staff.sessions import signed_in
from storefront.tenants.context import current_tenant
from storefront.upsell.merchandising import MAX_COMPLEMENTS, Suggested, pins_of, shop_complements
from storefront.web.htmx import render_page

MAX_UPLOAD_BYTES = pictures.MAX_BYTES + 64 * 1024
"""Of a form with a picture; others have the app's lower limit."""
MAX_CATEGORIES_SUGGESTED = 200


def allow_upload() -> None:
    """Let this request's form have a picture. Raises `Invalid` for a larger one, without reading it."""
    request.max_content_length = MAX_UPLOAD_BYTES
    if (request.content_length or 0) > MAX_UPLOAD_BYTES:
        raise pictures.too_large()


def uploaded_picture() -> str:
    """Store the picture of this request's form, and return its name; empty without one. Raises `Invalid`."""
    sent = request.files.get(pictures.FIELD)
    if sent is None or not sent.filename:
        return ""
    return pictures.store_picture(current_tenant().id, sent.read(pictures.MAX_BYTES + 1))


def common_context() -> dict[str, Any]:
    tenant = current_tenant()
    return {
        "statuses": {value: _(name) for value, name in STATUS_NAMES.items()},
        "languages_besides": other_languages(tenant),
        "category_names": [one.name for one in cached_category_counts().categories[:MAX_CATEGORIES_SUGGESTED]],
        "currency": tenant.currency,
    }


TEXT_LISTS = ("name", "description", "tags", "options", "variants")
"""Fields of a refusal that may name a part of their value: `name.de`."""


def errors_of(refusal: Refusal | None) -> dict[str, str]:
    """Return the messages of a refusal by the fields of a form."""
    found: dict[str, str] = {}
    for one in refusal.field_errors if isinstance(refusal, Invalid) else ():
        whole, _dot, part = one.field.partition(".")
        named = f"{whole}_{part}" if part in other_languages(current_tenant()) else whole
        found.setdefault(named if whole in TEXT_LISTS else one.field, one.message)
    return found


@pages.get("/products/new")
@requires(Permission.CATALOG_WRITE)
def new_product_page() -> Response:
    return show_new_product()


def show_new_product(refusal: Invalid | None = None, values: Mapping[str, str] | None = None) -> Response:
    return no_store(
        render_page(
            "admin/product_new.html",
            http_status=refusal.status if refusal else 200,
            errors=errors_of(refusal),
            values=values or {"status": ProductStatus.ACTIVE.value},
            **common_context(),
        )
    )


@pages.post("/products/new")
@requires(Permission.CATALOG_WRITE)
def create_product() -> Response:
    tenant = current_tenant()
    try:
        allow_upload()
    except Invalid as refusal:
        return show_new_product(refusal)
    try:
        sent = new_product(tenant, request.form)
        entry = product_entry(tenant, sent)
        if image := uploaded_picture():
            entry = entry.model_copy(update={"image": image})
        actions.create_product(tenant, entry, sent.status)
    except Invalid as refusal:
        return show_new_product(refusal, request.form)
    flash(_("%(name)s has been created.", name=request.form["name"]), "success")
    return redirect(url_for("admin.product", product_id=entry.id), 303)


@pages.get("/products/<product_id>")
@requires(Permission.CATALOG_WRITE)
def product(product_id: str) -> Response:
    return show_product(product_id)


def show_product(product_id: str, refusal: Refusal | None = None, section: str = "") -> Response:
    """Render the product's page. `refusal` is shown in the section whose form was sent, with what was typed."""
    tenant, row = current_tenant(), find_product(product_id)
    variants = list_variants(product_id)
    stored = {f"{name}_{one.id}": value for one in variants for name, value in variant_values(tenant, one).items()}
    stored |= form_values(tenant, row)
    # A form with a picture that is too large isn't read.
    typed = dict(request.form) if refusal and section != "picture" else {}
    goes_with = [Suggested(one.complement_product_id, one.explanation) for one in shop_complements(product_id)]
    pins = pins_of(tenant, product_id)
    return no_store(
        render_page(
            "admin/product.html",
            http_status=refusal.status if refusal else 200,
            product=row,
            variants=variants,
            total_stock=total_stock(row, variants),
            section=section,
            errors=errors_of(refusal),
            message=refusal.detail if refusal and not isinstance(refusal, Invalid) else "",
            theirs=shown_conflicts(row, refusal),
            values=stored | typed,
            was=stored | (base_of(typed) if isinstance(refusal, Invalid) else {}),
            shapes=STATUS_SHAPES,
            variant_statuses={value: _(name) for value, name in VARIANT_STATUS_NAMES.items()},
            reasons=[_(reason) for reason in STOCK_REASONS],
            names=product_names([one.product_id for one in (*goes_with, *pins)]),
            goes_with=goes_with,
            pins=pins,
            is_excluded=product_id in tenant.upsell.exclude,
            may_set_rules=signed_in().may(Permission.UPSELL_WRITE),
            most_complements=MAX_COMPLEMENTS,
            **common_context(),
        )
    )


def base_of(typed: Mapping[str, str]) -> dict[str, str]:
    """Return the values that the form was opened with, which stay until it is stored."""
    return {name.removeprefix(WAS): value for name, value in typed.items() if name.startswith(WAS)}


def shown_conflicts(row: Product, refusal: Refusal | None) -> dict[str, str]:
    """Return what others have stored meanwhile, by field, as the form shows it."""
    if not isinstance(refusal, EditConflict):
        return {}
    tenant, shown = current_tenant(), form_values(current_tenant(), row)
    found: dict[str, str] = {}
    for name, value in refusal.current.items():
        if name.startswith("price"):
            found[name] = format_money(value)
        elif name.endswith("_translations"):
            text = name.removesuffix("_translations")
            found |= {f"{text}_{language}": shown[f"{text}_{language}"] for language in other_languages(tenant)}
        else:
            found[name] = shown.get(name, str(value))
    return found


def back(product_id: str, part: str = "") -> Response:
    flash(_("Saved."), "success")
    return redirect(url_for("admin.product", product_id=product_id, _anchor=part or None), 303)


@pages.post("/products/<product_id>")
@requires(Permission.CATALOG_WRITE)
def change_product(product_id: str) -> Response:
    """Change texts, price and status."""
    tenant = current_tenant()
    find_product(product_id)
    try:
        changes, base = details_and_base(tenant, request.form)
        actions.change_product(tenant, product_id, changes, base=base)
    except (Invalid, EditConflict) as refusal:
        return show_product(product_id, refusal, "details")
    return back(product_id)


@pages.post("/products/<product_id>/picture")
@requires(Permission.CATALOG_WRITE)
def change_picture(product_id: str) -> Response:
    """Take another picture, or none."""
    find_product(product_id)
    try:
        allow_upload()
        image = "" if request.form.get("remove") else uploaded_picture()
        if not image and not request.form.get("remove"):
            raise Invalid(FieldError(pictures.FIELD, _("Choose a picture first.")))
    except Invalid as refusal:
        return show_product(product_id, refusal, "picture")
    actions.change_product(current_tenant(), product_id, {"image": image})
    return back(product_id, "picture")


@pages.post("/products/<product_id>/stock")
@requires(Permission.CATALOG_WRITE)
def change_stock(product_id: str) -> Response:
    """Set the stock of a product without options, or adjust it."""
    find_product(product_id)
    try:
        changes, base = stock_changes()
        actions.change_product(current_tenant(), product_id, changes, base=base)
    except (Invalid, EditConflict) as refusal:
        return show_product(product_id, refusal, "stock")
    return back(product_id, "stock")


def stock_changes() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a form changes of a stock, and what it was opened with. Raises `Invalid`."""
    reason = single_line(request.form.get("reason", ""))[:MAX_REASON_LENGTH]
    why = {"reason": reason} if reason else {}
    if request.form.get("how") == "adjust":
        return {"stock_change": read_whole("amount", request.form.get("amount", ""))} | why, {}
    stock = read_whole("amount", request.form.get("amount", ""))
    if stock < 0:
        raise Invalid(FieldError("amount", _("The stock can't be less than 0.")))
    was = request.form.get(f"{WAS}stock", "")
    return {"stock": stock} | why, {"stock": int(was)} if was.isdecimal() else {}


@pages.post("/products/<product_id>/variants")
@requires(Permission.CATALOG_WRITE)
def change_variants(product_id: str) -> Response:
    """Change what is different in the grid of variants."""
    try:
        actions.change_variants(current_tenant(), product_id, grid_changes(product_id))
    except (Invalid, EditConflict) as refusal:
        return show_product(product_id, refusal, "variants")
    return back(product_id, "variants")


def grid_changes(product_id: str) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Return by variant what is changed of it, and what the grid was opened with. Raises `Invalid`."""
    find_product(product_id)
    reason = single_line(request.form.get("reason", ""))[:MAX_REASON_LENGTH]
    found = {}
    for variant in list_variants(product_id):
        if f"price_{variant.id}" in request.form:
            new, was = read_variant(variant.id, ""), read_variant(variant.id, WAS)
            changes = {name: value for name, value in new.items() if value != was[name]}
            base = {name: was[name] for name in changes}
            if changes:
                found[variant.id] = changes | ({"reason": reason} if reason else {}), base
    return found


def read_variant(id: str, prefix: str) -> dict[str, Any]:
    """Return a variant's values in the grid. Raises `Invalid`."""
    typed = {name: request.form.get(f"{prefix}{name}_{id}", "") for name in ("price", "stock", "sku", "gtin", "status")}
    sent = {
        "price": read_amount(f"price_{id}", typed["price"], current_tenant().currency),
        "stock": read_whole(f"stock_{id}", typed["stock"]),
        "sku": single_line(typed["sku"]),
        "gtin": single_line(typed["gtin"]) or None,
        "status": typed["status"],
    }
    try:
        values: dict[str, Any] = checked(VariantInput, sent).model_dump()
    except Invalid as fault:
        raise Invalid(*(FieldError(f"{one.field}_{id}", one.message) for one in fault.field_errors)) from None
    return values | {"status": str(values["status"])}
