"""The settings of the shop itself: country, time zone and contact."""

from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from flask import url_for
from pydantic import AfterValidator
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.settings_forms import (
    Values,
    checked,
    form_state,
    merged,
    opened_with,
    save_form,
    stored_row,
    text_of,
)
from storefront.admin.settings_words import country_choices
from storefront.catalog.field_types import StrictModel
from storefront.catalog.selling_schema import ContactSetting, Country
from storefront.catalog.shop_settings import change_settings
from storefront.errors import Refusal
from storefront.i18n.gettext import _
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.tenants.legal import contact_columns
from storefront.tenants.models import Tenant
from storefront.tenants.timezones import check_timezone, default_timezone
from storefront.web.htmx import no_store, render_page

PAGE = "admin.shop_settings"
PLACE, CONTACT = ("country", "timezone"), ("company", "email", "phone", "address", "vat_id")


class PlaceSetting(StrictModel):
    country: Country | None
    timezone: Annotated[str, AfterValidator(check_timezone)] | None


def stored_values(row: Tenant) -> dict[str, str]:
    known = {**(row.contact or {}), "country": row.country, "timezone": row.timezone}
    return {name: known.get(name) or "" for name in (*PLACE, *CONTACT)}


def changed_columns(row: Tenant, values: Values) -> dict[str, Any]:
    """Return the columns with these values. Raises `Invalid`."""
    sent = {name: value or None for name, value in values.items()}
    labels, messages = field_labels(), field_messages()
    place = checked(PlaceSetting, {name: sent.pop(name) for name in PLACE}, labels, messages).model_dump()
    contact = checked(ContactSetting, {**(row.contact or {}), **sent}, labels, messages).model_dump()
    return place | {"contact": contact_columns(contact)["contact"]}


def field_labels() -> dict[str, str]:
    return {
        "company": _("Name of the business"),
        "email": _("Email"),
        "phone": _("Phone"),
        "address": _("Address"),
        "vat_id": _("VAT number or tax number"),
    }


def field_messages() -> dict[str, str]:
    controls = _("This text can't contain control characters.")
    return dict.fromkeys(CONTACT, controls) | {
        "country": _("Choose a country from the list."),
        "timezone": _("Choose a time zone from the list."),
        "email": _("Please enter a valid email address, for example name@example.com."),
    }


@cache
def time_zones() -> tuple[str, ...]:
    """Return the time zones to choose from: those named after a place."""
    return tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def time_zone_choices(own: str) -> dict[str, str]:
    usual = _("As usual for the shop's language: %(zone)s", zone=default_timezone(current_tenant().locale))
    return {"": usual} | {zone: zone.replace("_", " ") for zone in sorted({*time_zones(), *filter(None, [own])})}


def show_shop(refusal: Refusal | None = None) -> Response:
    row = stored_row()
    return no_store(
        render_page(
            "admin/settings_shop.html",
            http_status=refusal.status if refusal else 200,
            state=form_state(stored_values(row), typed_values() if refusal else None, refusal),
            countries={"": _("Not set")} | country_choices(),
            zones=time_zone_choices(row.timezone or ""),
            labels=field_labels(),
        )
    )


def typed_values() -> dict[str, str]:
    return {name: text_of(name) for name in (*PLACE, *CONTACT)}


@pages.get("/settings/shop")
@requires(Permission.SETTINGS_WRITE)
def shop_settings() -> Response:
    return show_shop()


@pages.post("/settings/shop")
@requires(Permission.SETTINGS_WRITE)
def save_shop_settings() -> Response:
    typed, was = typed_values(), opened_with()

    def change(row: Tenant) -> dict[str, Any]:
        return changed_columns(row, merged(stored_values(row), typed, was))

    return save_form(lambda: change_settings(current_tenant().id, "shop", change), show_shop, url_for(PAGE))
