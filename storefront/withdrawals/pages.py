"""The withdrawal in two steps, without a sign-in: a statement, then its confirmation. A buyer comes from the order's
page, or from the foot of any page with the order's number and email address."""

from flask import Blueprint, Flask, Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.errors import Invalid, Refusal, WrongState
from storefront.i18n.gettext import _
from storefront.orders.queries import OrderView, load_order
from storefront.tenants.context import current_tenant
from storefront.web.htmx import no_store, render_page
from storefront.web.rate_limits import CHECKOUT_LIMIT, limit_order_guesses, limiter
from storefront.withdrawals import actions

pages = Blueprint("withdrawals", __name__)


def init_app(app: Flask) -> None:
    app.jinja_env.globals["can_withdraw"] = lambda order: actions.can_withdraw(current_tenant(), order)


@pages.get("/withdraw")
def find() -> Response:
    actions.check_tenant(current_tenant())
    return show(None)


@pages.post("/withdraw")
@limit_order_guesses
def find_and_withdraw() -> AnyResponse:
    actions.check_tenant(current_tenant())
    try:
        order = actions.find_order(request.form.get("number", ""), request.form.get("email", ""))
    except Invalid as refusal:
        return show(None, refusal)
    return take_step(order, url_for("withdrawals.received"), by_number=True)


@pages.get("/withdraw/received")
def received() -> Response:
    actions.check_tenant(current_tenant())
    return no_store(render_page("withdrawals/received.html"))


@pages.get("/orders/<order_id>/withdraw")
def start(order_id: str) -> AnyResponse:
    actions.check_tenant(current_tenant())
    order = load_order(order_id)
    if order.withdrawn_at is not None:
        return redirect(url_for("orders.confirmation", order_id=order_id), 303)
    try:
        actions.check_can_withdraw(current_tenant(), order)
    except WrongState as refusal:
        return show(order, refusal)
    return show(order)


@pages.post("/orders/<order_id>/withdraw")
@limiter.limit(CHECKOUT_LIMIT)
def withdraw(order_id: str) -> AnyResponse:
    actions.check_tenant(current_tenant())
    return take_step(load_order(order_id), url_for("orders.confirmation", order_id=order_id))


def take_step(order: OrderView, afterwards: str, by_number: bool = False) -> AnyResponse:
    """Show the statement to be confirmed, or record it once it is."""
    shown = None if by_number else order
    try:
        statement = actions.check_statement(request.form.get("statement", ""))
        actions.check_can_withdraw(current_tenant(), order)
        if request.form.get("confirmed") != "true":
            return show(shown, confirm=order.number, statement=statement)
        actions.withdraw(current_tenant(), order.id, statement)
    except (Invalid, WrongState) as refusal:
        return show(shown, refusal)
    if not by_number:
        flash(_("We've received your withdrawal. We'll confirm it by email."), "notice")
    return redirect(afterwards, 303)


def show(order: OrderView | None, refusal: Refusal | None = None, confirm: str = "", statement: str = "") -> Response:
    """Show the first step, or with the number of the order to `confirm` the second."""
    errors = {fault.field: fault.message for fault in refusal.field_errors} if isinstance(refusal, Invalid) else {}
    return no_store(
        render_page(
            "withdrawals/withdraw.html",
            http_status=refusal.status if refusal else 200,
            order=order,
            confirm=confirm,
            statement=statement or request.form.get("statement", ""),
            form=request.form,
            errors=errors,
            message=refusal.detail if refusal and not errors else "",
        )
    )
