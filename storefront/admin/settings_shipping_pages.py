"""The settings of shipping: the list of methods in their order, and the form of one."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.product_forms import other_languages
from storefront.admin.settings_forms import form_state, merged, opened_with, save_form, split_rows, stored_row
from storefront.admin.settings_shipping_forms import (
    MAX_ROWS,
    NEW,
    SPARE_ROWS,
    SUBTOTAL,
    WEIGHT,
    method_entry,
    method_values,
    new_method_id,
    own_language,
    typed_method,
)
from storefront.admin.settings_words import country_choices
from storefront.catalog.shop_settings import change_settings
from storefront.errors import FieldError, Invalid, NotFound, Refusal
from storefront.i18n.gettext import _
from storefront.shipping.address_formats import country_name
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.tenants.models import Tenant
from storefront.tenants.shipping_methods import ShippingMethod
from storefront.web.htmx import no_store, render_page

PAGE = "admin.shipping_settings"
MAX_METHODS = 50
Methods = list[dict[str, Any]]


def place_of(methods: Methods, method_id: str) -> int:
    """Return where the method stands in the list. Raises `NotFound`."""
    for place, entry in enumerate(methods):
        if entry["id"] == method_id:
            return place
    raise NotFound(_("We couldn't find this shipping method."))


def change_methods(change: Callable[[Methods], Methods]) -> None:
    def columns(row: Tenant) -> dict[str, Any]:
        return {"shipping": change(list(row.shipping or ()))}

    change_settings(current_tenant().id, "shipping", columns)


@pages.get("/settings/shipping")
@requires(Permission.SETTINGS_WRITE)
def shipping_settings() -> Response:
    tenant = current_tenant()
    stored = stored_row().shipping or []
    methods = [ShippingMethod.of(entry, tenant.currency, own_language(tenant)) for entry in stored]
    return no_store(render_page("admin/settings_shipping.html", methods=methods, country_name=country_name))


@pages.get("/settings/shipping/new")
@requires(Permission.SETTINGS_WRITE)
def new_shipping_method() -> Response:
    return show_method(None)


def empty_values() -> dict[str, str]:
    return {**dict.fromkeys(method_values(current_tenant(), {"id": "", "name": "", "price": "0"}), ""), **NEW}


def show_method(method_id: str | None, refusal: Refusal | None = None) -> Response:
    """Show the form of a method, or that of a new one."""
    tenant, stored = current_tenant(), empty_values()
    if method_id is not None:
        methods = stored_row().shipping or []
        stored = method_values(tenant, methods[place_of(methods, method_id)])
    state = form_state(stored, typed_method(tenant), refusal)
    chosen = sorted(state.values["countries"].split(), key=country_name)
    steps = split_rows(state.values["steps"])
    spare = min(SPARE_ROWS, MAX_ROWS - len(steps))
    return no_store(
        render_page(
            "admin/settings_shipping_method.html",
            http_status=refusal.status if refusal else 200,
            method_id=method_id,
            title=stored["name"] if method_id else _("New shipping method"),
            state=state,
            steps=steps + [["", ""]] * spare,
            max_steps=MAX_ROWS,
            bounds={WEIGHT: _("Weight in grams"), SUBTOTAL: _("Price of the goods")},
            chosen=chosen,
            countries=country_choices(),
            country_name=country_name,
            currency=tenant.currency,
            languages_besides=other_languages(tenant),
        )
    )


@pages.post("/settings/shipping/new")
@requires(Permission.SETTINGS_WRITE)
def add_shipping_method() -> Response:
    """Add a method. Sent twice, as by a double click, the form adds it once."""
    tenant, typed = current_tenant(), typed_method(current_tenant())

    def add(methods: Methods) -> Methods:
        if len(methods) >= MAX_METHODS:
            raise Invalid(FieldError("name", _("A shop has at most %(most)s shipping methods.", most=MAX_METHODS)))
        if any(method_entry(tenant, entry["id"], typed) == entry for entry in methods):
            return methods
        new_id = new_method_id(typed, [entry["id"] for entry in methods])
        return with_default([*methods, method_entry(tenant, new_id, typed)], new_id)

    return save_form(lambda: change_methods(add), lambda refusal: show_method(None, refusal), url_for(PAGE))


def with_default(methods: Methods, changed_id: str) -> Methods:
    """Return the methods, of which the changed one is the only default if it is one."""
    if not any(entry["default"] for entry in methods if entry["id"] == changed_id):
        return methods
    return [entry if entry["id"] == changed_id else {**entry, "default": False} for entry in methods]


@pages.get("/settings/shipping/<method_id>")
@requires(Permission.SETTINGS_WRITE)
def shipping_method(method_id: str) -> Response:
    return show_method(method_id)


@pages.post("/settings/shipping/<method_id>")
@requires(Permission.SETTINGS_WRITE)
def save_shipping_method(method_id: str) -> Response:
    tenant, typed, was = current_tenant(), typed_method(current_tenant()), opened_with()

    def save(methods: Methods) -> Methods:
        place = place_of(methods, method_id)
        values = merged(method_values(tenant, methods[place]), typed, was)
        methods[place] = method_entry(tenant, method_id, values)
        return with_default(methods, method_id)

    return save_form(lambda: change_methods(save), lambda refusal: show_method(method_id, refusal), url_for(PAGE))


@pages.post("/settings/shipping/<method_id>/move")
@requires(Permission.SETTINGS_WRITE)
def move_shipping_method(method_id: str) -> Response:
    """Move a method one place up or down."""
    step = -1 if request.form.get("direction") == "up" else 1

    def move(methods: Methods) -> Methods:
        place = place_of(methods, method_id)
        entry = methods.pop(place)
        methods.insert(max(0, place + step), entry)
        return methods

    change_methods(move)
    return redirect(url_for(PAGE), 303)


@pages.post("/settings/shipping/<method_id>/remove")
@requires(Permission.SETTINGS_WRITE)
def remove_shipping_method(method_id: str) -> Response:
    def remove(methods: Methods) -> Methods:
        del methods[place_of(methods, method_id)]
        return methods

    change_methods(remove)
    flash(_("The shipping method has been removed."), "success")
    return redirect(url_for(PAGE), 303)
