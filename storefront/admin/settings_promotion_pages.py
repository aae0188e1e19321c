"""The settings of promotions: the list with their uses, and the form of one."""

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.settings_forms import form_state, merged, opened_with, save_form, stored_row
from storefront.admin.settings_promotion_forms import NEW, promotion_entry, promotion_values, typed_promotion
from storefront.catalog.shop_settings import change_settings
from storefront.clock import now
from storefront.errors import FieldError, Invalid, NotFound, Refusal
from storefront.i18n.formatting import format_percent, format_short_day
from storefront.i18n.gettext import _
from storefront.orders.promotion_uses import count_uses
from storefront.promotions.queries import counted_uses
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.tenants.models import Tenant
from storefront.tenants.promotions import Promotion
from storefront.web.htmx import no_store, render_page

PAGE = "admin.promotion_settings"
MAX_PROMOTIONS = 100
Promotions = list[dict[str, Any]]


def place_of(offers: Promotions, code: str) -> int:
    """Return where the promotion stands in the list. Raises `NotFound`."""
    for place, entry in enumerate(offers):
        if entry["code"].upper() == code.upper():
            return place
    raise NotFound(_("We couldn't find this promotion."))


def change_promotions(change: Callable[[Promotions], Promotions]) -> None:
    def columns(row: Tenant) -> dict[str, Any]:
        return {"promotions": change(list(row.promotions))}

    change_settings(current_tenant().id, "promotions", columns)


@pages.get("/settings/promotions")
@requires(Permission.SETTINGS_WRITE)
def promotion_settings() -> Response:
    tenant = current_tenant()
    offers = [Promotion.of(entry, tenant.currency) for entry in stored_row().promotions]
    limited = [offer.code for offer in offers if offer.limit]
    uses = count_uses([offer.code for offer in offers if not offer.limit]) | counted_uses(limited)
    return no_store(
        render_page(
            "admin/settings_promotions.html",
            offers=offers,
            uses=uses,
            today=now().astimezone(tenant.timezone).date(),
            format_percent=format_percent,
            format_short_day=format_short_day,
        )
    )


@pages.get("/settings/promotions/new")
@requires(Permission.SETTINGS_WRITE)
def new_promotion() -> Response:
    return show_promotion(None)


def show_promotion(code: str | None, refusal: Refusal | None = None) -> Response:
    """Show the form of a promotion, or that of a new one."""
    tenant, stored = current_tenant(), dict(NEW)
    if code is not None:
        offers = stored_row().promotions
        stored = promotion_values(tenant, offers[place_of(offers, code)])
    return no_store(
        render_page(
            "admin/settings_promotion.html",
            http_status=refusal.status if refusal else 200,
            code=code,
            title=stored["code"] if code else _("New promotion"),
            state=form_state(stored, typed_promotion(), refusal),
            kinds={"percent": _("Percentage"), "amount": _("Amount"), "free_shipping": _("Free shipping")},
            currency=tenant.currency,
        )
    )


@pages.post("/settings/promotions/new")
@requires(Permission.SETTINGS_WRITE)
def add_promotion() -> Response:
    tenant, typed = current_tenant(), typed_promotion()

    def add(offers: Promotions) -> Promotions:
        entry = promotion_entry(tenant, typed)
        if any(one["code"].upper() == entry["code"].upper() for one in offers):
            raise Invalid(FieldError("code", _("There is a promotion with this code already.")))
        if len(offers) >= MAX_PROMOTIONS:
            raise Invalid(FieldError("code", _("A shop has at most %(most)s promotions.", most=MAX_PROMOTIONS)))
        return [*offers, entry]

    return save_form(lambda: change_promotions(add), lambda refusal: show_promotion(None, refusal), url_for(PAGE))


@pages.get("/settings/promotions/<code>")
@requires(Permission.SETTINGS_WRITE)
def promotion(code: str) -> Response:
    return show_promotion(code)


@pages.post("/settings/promotions/<code>")
@requires(Permission.SETTINGS_WRITE)
def save_promotion(code: str) -> Response:
    """Change a promotion. Its code stays, because its uses are counted by it."""
    tenant, typed, was = current_tenant(), typed_promotion(), opened_with()

    def save(offers: Promotions) -> Promotions:
        place = place_of(offers, code)
        stored = promotion_values(tenant, offers[place])
        offers[place] = promotion_entry(tenant, merged(stored, typed | {"code": stored["code"]}, was))
        return offers

    return save_form(lambda: change_promotions(save), lambda refusal: show_promotion(code, refusal), url_for(PAGE))


@pages.post("/settings/promotions/<code>/remove")
@requires(Permission.SETTINGS_WRITE)
def remove_promotion(code: str) -> Response:
    def remove(offers: Promotions) -> Promotions:
        del offers[place_of(offers, code)]
        return offers

    change_promotions(remove)
    flash(_("The promotion has been removed."), "success")
    return redirect(url_for(PAGE), 303)
