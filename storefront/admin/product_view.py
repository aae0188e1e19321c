"""The page of one product as it is shown: with what is stored, or after a refusal with what was typed."""

from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.admin.product_forms import WAS, form_values, other_languages, variant_values
from storefront.admin.product_history import product_history
from storefront.admin.product_queries import product_names
from storefront.admin.product_words import STATUS_NAMES, STATUS_SHAPES, STOCK_REASONS, VARIANT_STATUS_NAMES
from storefront.admin.selling_forms import tax_class_choices
from storefront.catalog.categories import cached_category_counts
from storefront.catalog.models import Product
from storefront.catalog.refusals import EditConflict
from storefront.catalog.staff_queries import find_product, list_variants, total_stock
from storefront.errors import Invalid, Refusal
from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import _
from storefront.staff.permissions import Permission
from storefront.staff.sessions import signed_in
from storefront.tenants.context import current_tenant
from storefront.upsell.merchandising import MAX_COMPLEMENTS, Suggested, pins_of, shop_complements
from storefront.web.htmx import no_store, render_page

MAX_CATEGORIES_SUGGESTED = 200


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


def show_product(product_id: str, refusal: Refusal | None = None, section: str = "") -> Response:
    """Render the product's page. `refusal` is shown in the section whose form was sent, with what was typed."""
    tenant, row = current_tenant(), find_product(product_id)
    variants = list_variants(product_id)
    stored = {f"{name}_{one.id}": value for one in variants for name, value in variant_values(tenant, one).items()}
    stored |= form_values(tenant, row)
    may_change = signed_in().may(Permission.CATALOG_WRITE)
    # A form with a picture that is too large isn't read.
    typed = dict(request.form) if refusal and section != "picture" else {}
    return no_store(
        render_page(
            "admin/product.html" if may_change else "admin/product_facts.html",
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
            tax_classes=tax_class_choices(tenant, row),
            reasons=[_(reason) for reason in STOCK_REASONS],
            history=product_history(product_id),
            **merchandising_context(product_id),
            **common_context(),
        )
    )


def merchandising_context(product_id: str) -> dict[str, Any]:
    tenant = current_tenant()
    goes_with = [Suggested(one.complement_product_id, one.explanation) for one in shop_complements(product_id)]
    pins = pins_of(tenant, product_id)
    return {
        "goes_with": goes_with,
        "pins": pins,
        "names": product_names([one.product_id for one in (*goes_with, *pins)]),
        "is_excluded": product_id in tenant.upsell.exclude,
        "may_set_rules": signed_in().may(Permission.UPSELL_WRITE),
        "most_complements": MAX_COMPLEMENTS,
    }


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
