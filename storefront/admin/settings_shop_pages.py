"""The settings of the shop itself: country, time zone, contact, and legal texts."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from flask import request, url_for
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
from storefront.errors import FieldError, Invalid, Refusal
from storefront.i18n.gettext import _
from storefront.staff.access import requires
from storefront.staff.forms import no_store
from storefront.staff.permissions import Permission
from storefront.staff.validation import account_email
from storefront.tenants.context import current_tenant
from storefront.tenants.models import Tenant
from storefront.tenants.timezones import check_timezone, default_timezone
from storefront.web.htmx import render_page

PAGE = "admin.shop_settings"
PLACE, CONTACT = ("country", "timezone"), ("email", "phone", "address")
LEGAL = ("imprint", "terms", "privacy", "withdrawal")
MAX_LEGAL_BYTES = 512 * 1024
"""Of the form with four texts of 20,000 characters, up to four bytes each. Others have the app's lower limit."""


class PlaceSetting(StrictModel):
    country: Country | None
    timezone: Annotated[str, AfterValidator(check_timezone)] | None


def stored_values(row: Tenant, names: Sequence[str]) -> dict[str, str]:
    known = {**(row.contact or {}), "country": row.country, "timezone": row.timezone}
    return {name: known.get(name) or "" for name in names}


def changed_columns(row: Tenant, values: Values) -> dict[str, Any]:
    """Return the columns with these values. Raises `Invalid`."""
    sent, found = {name: value or None for name, value in values.items()}, {}
    labels, messages = field_labels(), field_messages()
    if "country" in sent:
        place = {name: sent.pop(name) for name in PLACE}
        found = checked(PlaceSetting, place, labels, messages).model_dump()
    if sent.get("email") and account_email(values["email"]) is None:
        raise Invalid(FieldError("email", messages["email"]))
    contact = checked(ContactSetting, {**(row.contact or {}), **sent}, labels, messages).model_dump()
    return found | {"contact": contact if any(contact.values()) else None}


def field_labels() -> dict[str, str]:
    return {
        "email": _("Email"),
        "phone": _("Phone"),
        "address": _("Address"),
        "imprint": _("Imprint"),
        "terms": _("Terms and conditions"),
        "privacy": _("Privacy policy"),
        "withdrawal": _("Right of withdrawal"),
    }


def field_messages() -> dict[str, str]:
    controls = _("This text can't contain control characters.")
    return dict.fromkeys((*CONTACT, *LEGAL), controls) | {
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


def show_shop(refusal: Refusal | None = None, section: str = "") -> Response:
    """Show the page. `refusal` is shown in the section whose form was sent."""
    row = stored_row()
    place = (*PLACE, *CONTACT)
    states = {
        "shop": form_state(stored_values(row, place), typed_values(place), refusal if section == "shop" else None),
        "legal": form_state(stored_values(row, LEGAL), typed_values(LEGAL), refusal if section == "legal" else None),
    }
    return no_store(
        render_page(
            "admin/settings_shop.html",
            http_status=refusal.status if refusal else 200,
            states=states,
            countries={"": _("Not set")} | country_choices(),
            zones=time_zone_choices(row.timezone or ""),
            labels=field_labels(),
            legal=LEGAL,
        )
    )


def typed_values(names: Sequence[str]) -> dict[str, str]:
    return {name: text_of(name) for name in names}


@pages.get("/settings/shop")
@requires(Permission.SETTINGS_WRITE)
def shop_settings() -> Response:
    return show_shop()


def save_section(section: str, names: Sequence[str]) -> Response:
    typed, was = typed_values(names), opened_with()

    def change(row: Tenant) -> dict[str, Any]:
        return changed_columns(row, merged(stored_values(row, names), typed, was))

    def show(refusal: Refusal) -> Response:
        return show_shop(refusal, section)

    return save_form(
        lambda: change_settings(current_tenant().id, section, change), show, url_for(PAGE, _anchor=section)
    )


@pages.post("/settings/shop")
@requires(Permission.SETTINGS_WRITE)
def save_shop_settings() -> Response:
    return save_section("shop", (*PLACE, *CONTACT))


@pages.post("/settings/shop/legal")
@requires(Permission.SETTINGS_WRITE)
def save_legal_texts() -> Response:
    request.max_content_length = request.max_form_memory_size = MAX_LEGAL_BYTES
    return save_section("legal", LEGAL)
