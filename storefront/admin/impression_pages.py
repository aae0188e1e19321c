"""The back office's log of what was suggested, and why."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.new_rows import counted_rows, show_new_rows
from storefront.admin.numbers import position
from storefront.admin.product_queries import find_products, product_names
from storefront.admin.reason_words import reason_sentences
from storefront.admin.report_words import ARM_NAMES
from storefront.admin.upsell_queries import (
    NOTHING,
    ImpressionFilter,
    complements_between,
    count_new_rows,
    find_call,
    find_impression,
    latest_row,
    list_rows,
    products_in_cart,
)
from storefront.admin.upsell_words import DECISION_NAMES, SOURCE_NAMES
from storefront.errors import NotFound
from storefront.i18n.gettext import N_, _, ngettext
from storefront.ids import is_id
from storefront.staff.access import requires
from storefront.staff.list_filters import list_url, search_text
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.upsell.experiment.assignment import Arm
from storefront.upsell.models import UpsellImpression
from storefront.upsell.recommender.models import ComplementSource
from storefront.upsell.types import SuggestionSource
from storefront.web.htmx import no_store, render_page

LIST = "admin.impressions"
WORDS: dict[str, Any] = {"arm_names": ARM_NAMES, "decision_names": DECISION_NAMES, "source_names": SOURCE_NAMES}


@pages.get("/upsell/impressions")
@requires(Permission.UPSELL_READ)
def impressions() -> Response:
    wanted, latest = impression_filter(), latest_row(UpsellImpression)
    filters = filters_of(wanted)
    found = list_rows(UpsellImpression, wanted, position("after"), position("before"))
    ids = {one["product_id"] for row in found.rows for one in row.suggestions}
    names = {"": N_("All"), **SOURCE_NAMES, NOTHING: ARM_NAMES[Arm.CONTROL]}
    return no_store(
        render_page(
            "admin/impressions.html",
            wanted=wanted,
            page=found,
            names=product_names(sorted(ids)),
            chips=[(value, _(name), list_url(LIST, filters, source=value)) for value, name in names.items()],
            newer=list_url(LIST, filters, after=found.newer) if found.newer is not None else "",
            older=list_url(LIST, filters, before=found.older) if found.older is not None else "",
            new_impressions=list_url("admin.new_impressions", filters, after=latest),
            **WORDS,
        )
    )


def impression_filter() -> ImpressionFilter:
    """Read the filters of the query string. What isn't valid is left out."""
    source, q = request.args.get("source", ""), search_text(request.args.get("q", ""))
    return ImpressionFilter(
        q,
        source if source in (*SuggestionSource, NOTHING) else "",
        frozenset(id for id, _name in find_products(q)) if q else frozenset(),
    )


def filters_of(wanted: ImpressionFilter) -> dict[str, str]:
    return {"q": wanted.q, "source": wanted.shown}


@pages.get("/upsell/new-impressions")
@requires(Permission.UPSELL_READ)
def new_impressions() -> Response:
    """A link to the suggestions that were shown after the list was opened, for the list; empty if there are none."""
    wanted = impression_filter()
    number = count_new_rows(UpsellImpression, wanted, position("after") or 0)
    text = ngettext("%(number)s new entry: show", "%(number)s new entries: show", number, number=counted_rows(number))
    return show_new_rows(number, text, list_url(LIST, filters_of(wanted)))


@pages.get("/upsell/impressions/<impression_id>")
@requires(Permission.UPSELL_READ)
def impression(impression_id: str) -> Response:
    """Why these products were suggested."""
    found = find_impression(impression_id) if is_id(impression_id) else None
    if found is None:
        raise NotFound(_("We couldn't find this suggestion. Old ones are removed after a while."))
    in_cart = products_in_cart(found.cart_id)
    known = [one["with"] for one in (found.reasons or {}).values() if "with" in one]
    names = product_names([*in_cart, *known, *(one["product_id"] for one in found.suggestions)])
    call = find_call(found.call_id) if found.call_id else None
    return no_store(
        render_page(
            "admin/impression.html",
            impression=found,
            in_cart=in_cart,
            names=names,
            call=call,
            evidence=reasons_of(found, in_cart, names),
            **WORDS,
        )
    )


def reasons_of(shown: UpsellImpression, in_cart: list[str], names: dict[str, str]) -> dict[str, list[str]]:
    """Return, for each suggested product, why: as it was then, or for old impressions what speaks for it today."""
    if shown.reasons is None:
        return evidence(shown, in_cart, names)
    return {
        one["product_id"]: reason_sentences(shown.reasons.get(one["product_id"], {}), names, one["explanation"])
        for one in shown.suggestions
    }


def evidence(shown: UpsellImpression, in_cart: list[str], names: dict[str, str]) -> dict[str, list[str]]:
    """Return, for each suggested product, what speaks for it today: the shop's pins, and complements."""
    suggested = [one["product_id"] for one in shown.suggestions]
    found: dict[str, list[str]] = {id: [] for id in suggested}
    for pin in current_tenant().upsell.pins:
        if pin.with_id in in_cart and pin.suggest in found:
            text = _("You suggest it first with %(product)s.", product=names.get(pin.with_id, pin.with_id))
            found[pin.suggest].append(text)
    for row in complements_between(in_cart, suggested):
        with_name = names.get(row.product_id, row.product_id)
        by_shop = row.source == ComplementSource.SHOP
        text = (
            _("You say that it goes well with %(product)s.", product=with_name)
            if by_shop
            else _("The model has found that it goes well with %(product)s.", product=with_name)
        )
        found[row.complement_product_id].append(text)
    return found
