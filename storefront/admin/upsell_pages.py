"""The back office's pages of suggestions: the switch, the budget, the report, and the log of the model's calls."""

from decimal import Decimal
from typing import Any

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.new_rows import counted_rows, show_new_rows
from storefront.admin.numbers import position
from storefront.admin.product_queries import product_names
from storefront.admin.report_words import ARM_NAMES, verdict
from storefront.admin.suggestion_report import latest_report
from storefront.admin.upsell_queries import (
    FAILED,
    OK,
    REJECTED,
    CallFilter,
    count_new_rows,
    find_call,
    latest_row,
    list_rows,
)
from storefront.admin.upsell_words import PURPOSE_NAMES, format_cost
from storefront.errors import Invalid, NotFound
from storefront.i18n.formatting import format_percent
from storefront.i18n.gettext import _, ngettext
from storefront.ids import is_id
from storefront.staff.access import requires
from storefront.staff.forms import render_form
from storefront.staff.list_filters import list_url, search_text
from storefront.staff.permissions import Permission
from storefront.staff.sessions import signed_in
from storefront.state import current_state
from storefront.tenants.context import current_tenant
from storefront.upsell import merchandising
from storefront.upsell.experiment.report import ArmReport
from storefront.upsell.llm.models import LlmCall
from storefront.upsell.llm.usage import used_today
from storefront.web.htmx import no_store, render_page

CALLS = "admin.upsell_calls"
MAX_BUDGET_LENGTH = 200


@pages.get("/upsell")
@requires(Permission.UPSELL_READ)
def upsell() -> Response:
    return show_upsell()


def show_upsell(refusal: Invalid | None = None) -> Response:
    """Show the page; after a refusal with what was typed."""
    tenant, settings = current_tenant(), current_state().settings
    stored = latest_report(tenant)
    tokens, cost = used_today()
    budget = tenant.upsell.budget or settings.upsell_budget
    named = {id for pin in tenant.upsell.pins for id in (pin.with_id, pin.suggest)} | tenant.upsell.exclude
    return render_form(
        "admin/upsell.html",
        refusal,
        is_disabled=settings.upsell_disabled or not settings.upsell_enabled,
        model=settings.upsell_model if settings.model_configured else "",
        tokens=tokens,
        cost=format_cost(cost, settings.upsell_currency),
        currency=settings.upsell_currency,
        budget=budget,
        hard_limit=format_cost(budget.hard, settings.upsell_currency) if budget and not budget.in_tokens else "",
        own_budget=budget_text(),
        may_change=signed_in().may(Permission.UPSELL_WRITE),
        may_see_products=signed_in().may(Permission.CATALOG_READ),
        stored=stored,
        verdict=verdict(stored.report) if stored else "",
        arm_names=ARM_NAMES,
        format_cost=format_cost,
        acceptance=acceptance,
        names=product_names(sorted(named)),
    )


def acceptance(arm: ArmReport) -> str:
    """Return the share of checkouts in which a suggestion was accepted, with one decimal."""
    return "–" if arm.acceptance is None else format_percent(Decimal(round(arm.acceptance * 1000)) / 10)


def budget_text() -> str:
    """Return the shop's own budget as it was written; empty if it has none."""
    budget = current_tenant().upsell.budget
    if budget is None:
        return ""
    if budget.in_tokens:
        return f"{budget.soft}/{budget.hard} tokens"
    return f"{budget.soft / 1_000_000:.2f}/{budget.hard / 1_000_000:.2f}"


@pages.post("/upsell/switch")
@requires(Permission.UPSELL_WRITE)
def switch_upsell() -> Response:
    enabled = request.form.get("enabled")
    if enabled in ("true", "false"):
        merchandising.set_enabled(current_tenant(), enabled == "true")
        flash(_("Suggestions are on.") if enabled == "true" else _("Suggestions are off."), "notice")
    return redirect(url_for("admin.upsell"), 303)


@pages.post("/upsell/budget")
@requires(Permission.UPSELL_WRITE)
def change_budget() -> Response:
    try:
        merchandising.set_budget(current_tenant(), request.form.get("budget", "")[:MAX_BUDGET_LENGTH])
    except Invalid as refusal:
        return show_upsell(refusal)
    flash(_("Budget saved."), "notice")
    return redirect(url_for("admin.upsell"), 303)


@pages.get("/upsell/calls")
@requires(Permission.UPSELL_READ)
def upsell_calls() -> Response:
    wanted, latest = call_filter(), latest_row(LlmCall)
    filters = filters_of(wanted)
    found = list_rows(LlmCall, wanted, position("after"), position("before"))
    words = {"": _("All"), OK: _("Answered"), FAILED: _("Failed"), REJECTED: _("Partly rejected")}
    return no_store(
        render_page(
            "admin/upsell_calls.html",
            wanted=wanted,
            page=found,
            chips=[(value, word, list_url(CALLS, filters, outcome=value)) for value, word in words.items()],
            newer=list_url(CALLS, filters, after=found.newer) if found.newer is not None else "",
            older=list_url(CALLS, filters, before=found.older) if found.older is not None else "",
            new_calls=list_url("admin.new_calls", filters, after=latest),
            **call_words(),
        )
    )


def call_filter() -> CallFilter:
    """Read the filters of the query string. What isn't valid is left out."""
    outcome = request.args.get("outcome", "")
    return CallFilter(search_text(request.args.get("q", "")), outcome if outcome in (OK, FAILED, REJECTED) else "")


def filters_of(wanted: CallFilter) -> dict[str, str]:
    return {"q": wanted.q, "outcome": wanted.shown}


@pages.get("/upsell/new-calls")
@requires(Permission.UPSELL_READ)
def new_calls() -> Response:
    """A link to the calls that came after the list was opened, for the list; empty if there are none."""
    wanted = call_filter()
    number = count_new_rows(LlmCall, wanted, position("after") or 0)
    text = ngettext("%(number)s new call: show", "%(number)s new calls: show", number, number=counted_rows(number))
    return show_new_rows(number, text, list_url(CALLS, filters_of(wanted)))


def call_words() -> dict[str, Any]:
    settings = current_state().settings
    return {"purpose_names": PURPOSE_NAMES, "format_cost": format_cost, "currency": settings.upsell_currency}


@pages.get("/upsell/calls/<call_id>")
@requires(Permission.UPSELL_READ)
def upsell_call(call_id: str) -> Response:
    call = find_call(call_id) if is_id(call_id) else None
    if call is None:
        raise NotFound(_("We couldn't find this call. Old calls are removed after a while."))
    names = product_names([one["product_id"] for one in call.suggestions])
    return no_store(render_page("admin/upsell_call.html", call=call, names=names, **call_words()))
