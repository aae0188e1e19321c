"""The back office's forms of a product's stock, and of the grid of its variants."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.numbers import parse_position
from storefront.admin.product_forms import WAS, is_signed, read_amount, read_whole
from storefront.admin.product_view import back, show_product
from storefront.catalog import actions
from storefront.catalog.product_input import MAX_REASON_LENGTH, VariantInput, checked
from storefront.catalog.refusals import EditConflict
from storefront.catalog.staff_queries import find_product, list_variants
from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import single_line
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant


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
    if is_signed(request.form.get("amount", "")):
        message = _("Enter the stock without a sign, or choose “Add or take away”.")
        raise Invalid(FieldError("amount", message))
    was = parse_position(request.form.get(f"{WAS}stock", ""))
    return {"stock": stock} | why, {} if was is None else {"stock": was}


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
            changes = {name: value for name, value in new.items() if value != was.get(name)}
            base = {name: was[name] for name in changes if name in was}
            if changes:
                found[variant.id] = changes | ({"reason": reason} if reason else {}), base
    return found


def read_variant(id: str, prefix: str) -> dict[str, Any]:
    """Return a variant's values in the grid. A stock with a sign becomes a `stock_change`. Raises `Invalid`."""
    typed = {name: request.form.get(f"{prefix}{name}_{id}", "") for name in ("price", "stock", "sku", "gtin", "status")}
    number, is_change = read_whole(f"stock_{id}", typed["stock"]), is_signed(typed["stock"])
    sent = {
        "price": read_amount(f"price_{id}", typed["price"], current_tenant().currency),
        "stock": 0 if is_change else number,
        "sku": single_line(typed["sku"]),
        "gtin": single_line(typed["gtin"]) or None,
        "status": typed["status"],
    }
    try:
        values: dict[str, Any] = checked(VariantInput, sent).model_dump()
    except Invalid as fault:
        raise Invalid(*(FieldError(f"{one.field}_{id}", one.message) for one in fault.field_errors)) from None
    if is_change:
        del values["stock"]
        values["stock_change"] = number
    return values | {"status": str(values["status"])}
