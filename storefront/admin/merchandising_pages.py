"""What is suggested with a product: its complements, pins, and whether it is suggested at all."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.product_queries import find_products, product_names
from storefront.admin.product_view import back, show_product
from storefront.catalog.staff_queries import find_product
from storefront.errors import Invalid
from storefront.i18n.unicode_text import single_line
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.upsell import merchandising
from storefront.upsell.merchandising import MAX_COMPLEMENTS, Suggested


def read_suggested(name: str) -> list[Suggested]:
    """Return the rows of a form that name a product, in their order; others are left out."""
    rows = [
        (single_line(request.form.get(f"{name}_id_{number}", "")), request.form.get(f"{name}_why_{number}", ""))
        for number in range(MAX_COMPLEMENTS)
    ]
    typed = [(text, merchandising.plain_why(why)) for text, why in rows if text]
    known = product_names([text for text, _ in typed])
    return [Suggested(text if text in known else id_of_name(text), why) for text, why in typed]


def id_of_name(text: str) -> str:
    """Return the id of the only product on sale with this name; else the text."""
    ids = [id for id, name in find_products(text) if name.casefold() == text.casefold()]
    return ids[0] if len(ids) == 1 else text


@pages.post("/products/<product_id>/goes-with")
@requires(Permission.CATALOG_WRITE)
def change_complements(product_id: str) -> Response:
    return changed(product_id, "goes_with", merchandising.set_complements, read_suggested("goes_with"))


@pages.post("/products/<product_id>/rules")
@requires(Permission.UPSELL_WRITE)
def change_rules(product_id: str) -> Response:
    excluded = request.form.get("excluded") == "true"
    return changed(product_id, "rules", merchandising.set_rules, excluded, read_suggested("pins"))


def changed(product_id: str, section: str, change: Any, *values: Any) -> Response:
    find_product(product_id)
    try:
        change(current_tenant(), product_id, *values)
    except Invalid as refusal:
        return show_product(product_id, refusal, section)
    return back(product_id, section)
