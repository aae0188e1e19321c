"""The back office's list of products, the choice of products for a field, and the order of categories."""

from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.numbers import position
from storefront.admin.product_queries import LOW_STOCK, ProductFilter, find_products, list_products
from storefront.admin.product_words import STATUS_NAMES
from storefront.catalog.categories import cached_category_counts
from storefront.catalog.category_order import move_category
from storefront.catalog.queries import get_ordered_categories
from storefront.i18n.gettext import _
from storefront.staff.access import requires
from storefront.staff.list_filters import search_text
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.web.htmx import html_response, no_store, render_page

MAX_CATEGORIES_SHOWN = 300


@pages.get("/products")
@requires(Permission.CATALOG_READ)
def products() -> Response:
    wanted = ProductFilter(
        search_text(request.args.get("q", "")),
        request.args.get("status", "") if request.args.get("status") in (*STATUS_NAMES, LOW_STOCK) else "",
        request.args.get("category", "")[:80],
    )
    found = list_products(wanted, position("after"), position("before"))
    return no_store(
        render_page(
            "admin/products.html",
            wanted=wanted,
            page=found,
            chips=chips(wanted),
            categories=cached_category_counts().categories[:MAX_CATEGORIES_SHOWN],
            newer=url_of(wanted, before=found.newer) if found.newer is not None else "",
            older=url_of(wanted, after=found.older) if found.older is not None else "",
            statuses=STATUS_NAMES,
        )
    )


def url_of(wanted: ProductFilter, **more: Any) -> str:
    return url_for("admin.products", **wanted.query_string(**more))


def chips(wanted: ProductFilter) -> list[tuple[str, str, str]]:
    """Return (value, label, URL) of each filter by status."""
    choices = {"": _("All"), **{value: _(name) for value, name in STATUS_NAMES.items()}, LOW_STOCK: _("Low stock")}
    return [(value, word, url_of(wanted, status=value or None)) for value, word in choices.items()]


@pages.get("/product-choices")
@requires(Permission.CATALOG_WRITE)
def product_choices() -> Response:
    """The options of a field that names another product, for what was typed so far; htmx sends it by the field's
    name."""
    typed = search_text(next(iter(request.args.values()), ""))
    found = find_products(typed) if typed else []
    return no_store(html_response(render_template("admin/_product_choices.html", choices=found)))


@pages.get("/categories")
@requires(Permission.CATALOG_WRITE)
def categories() -> Response:
    return no_store(render_page("admin/categories.html", categories=get_ordered_categories()[:MAX_CATEGORIES_SHOWN]))


@pages.post("/categories")
@requires(Permission.CATALOG_WRITE)
def order_category() -> Response:
    """Move a category to another place."""
    to = request.form.get("to", "")
    if to.isascii() and to.isdigit() and len(to) <= 6:
        move_category(current_tenant(), request.form.get("category", ""), int(to))
    return redirect(url_for("admin.categories"), 303)
