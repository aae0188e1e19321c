"""The back office's pages of orders: the list, one order, and what can be done with it."""

from collections.abc import Mapping
from typing import Any

from flask import Response, flash, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from storefront.admin.blueprints import pages
from storefront.admin.numbers import parse_position
from storefront.admin.order_words import STATUS_NAMES, STATUS_SHAPES, status_name, timeline
from storefront.admin.refund_form import refund_form
from storefront.admin.refund_words import cancelled_text, payback_text
from storefront.documents.queries import find_invoice
from storefront.errors import Invalid, NotFound, Refusal, WrongState
from storefront.events.queries import events_of
from storefront.i18n.gettext import _, ngettext
from storefront.mail.kinds import KIND_NAMES
from storefront.mail.queries import mails_of_order
from storefront.orders import fulfilment
from storefront.orders.fulfilment_validation import Shipment, check_shipment
from storefront.orders.models import OrderStatus
from storefront.orders.queries import load_order, notes_of
from storefront.orders.search import TO_SHIP, WITHDRAWN, OrderQuery, list_orders
from storefront.payments import by_hand
from storefront.payments import words as payment_words
from storefront.staff.access import requires
from storefront.staff.forms import render_form
from storefront.staff.list_filters import list_url, search_text
from storefront.staff.permissions import Permission
from storefront.staff.sessions import signed_in
from storefront.tenants.context import current_tenant
from storefront.web.htmx import no_store, render_page

ORDERS_PER_PAGE = 50
MAX_AT_ONCE = 100
MAX_EVENTS = 200
STATUS_OF_CHIP: Mapping[str, str] = {
    **{status: status for status in (TO_SHIP, OrderStatus.FULFILLED, OrderStatus.CANCELLED, WITHDRAWN)},
    OrderStatus.PLACED: TO_SHIP,
}
"""What the list shows for a status in its address: links of earlier versions have `placed`."""


@pages.get("/orders")
@requires(Permission.ORDERS_READ)
def orders() -> Response:
    query = order_query(request.args)
    page = list_orders(query, ORDERS_PER_PAGE)
    opened = request.args.get("open", "")
    return no_store(
        render_page(
            "admin/orders.html",
            extra_partials=("messages",),
            query=query,
            page=page,
            chips=[(value, word, url_of(query, status=value)) for value, word in chip_names().items()],
            payment_chips=payment_chips(query),
            newer=url_of(query, after=page.orders[0].position) if page.has_newer and page.orders else "",
            older=url_of(query, before=page.orders[-1].position) if page.has_older else "",
            here=url_of(query, before=query.before, after=query.after),
            opened=opened,
            **words(),
            **(detail_of(opened) if opened else {"order": None}),
        )
    )


def order_query(args: Any) -> OrderQuery:
    """Read the filters from a query string or a form. What isn't valid is left out."""
    status, payment = args.get("status", ""), args.get("payment", "")
    return OrderQuery(
        q=search_text(args.get("q", "")),
        status=STATUS_OF_CHIP.get(status, ""),
        payment=payment if payment in payment_words.STATUS_NAMES else "",
        before=parse_position(args.get("before", "")),
        after=parse_position(args.get("after", "")),
        by_buyer=signed_in().may(Permission.CUSTOMERS_READ),
    )


def url_of(query: OrderQuery, **more: Any) -> str:
    return list_url("admin.orders", {"q": query.q, "status": query.status, "payment": query.payment}, **more)


def chip_names() -> dict[str, str]:
    names = {"": _("All"), **{STATUS_OF_CHIP[status]: _(name) for status, name in STATUS_NAMES.items()}}
    return names | ({WITHDRAWN: _("Withdrawn")} if current_tenant().is_in_eu else {})


def payment_chips(query: OrderQuery) -> list[tuple[str, str, str]]:
    """The choices of a payment status, in a shop that asks for payments."""
    if not current_tenant().payment and not query.payment:
        return []
    names = {"": _("All payments"), **{status: _(name) for status, name in payment_words.STATUS_NAMES.items()}}
    return [(value, name, url_of(query, payment=value)) for value, name in names.items()]


def words() -> dict[str, Any]:
    return {
        "method_names": payment_words.METHOD_NAMES,
        "payment_names": payment_words.STATUS_NAMES,
        "payment_shapes": payment_words.STATUS_SHAPES,
        "status_name": status_name,
        "status_shapes": STATUS_SHAPES,
        "mail_names": KIND_NAMES,
        "sees_buyers": signed_in().may(Permission.CUSTOMERS_READ),
        "may_refund": signed_in().may(Permission.REFUNDS_WRITE),
        "may_change": signed_in().may(Permission.ORDERS_WRITE),
    }


def detail_of(order_id: str) -> dict[str, Any]:
    """Return what the detail of an order shows; notes, which may name the buyer, only to who sees buyers. Raises
    `NotFound`."""
    order = load_order(order_id)
    notes = notes_of(order_id) if signed_in().may(Permission.CUSTOMERS_READ) else []
    mails = mails_of_order(order_id)
    happened = timeline(order, events_of(order_id, MAX_EVENTS), notes, mails)
    form = refund_form(order) if signed_in().may(Permission.REFUNDS_WRITE) else None
    return {
        "order": order,
        "invoice": find_invoice(order_id),
        "timeline": happened,
        "mails": mails,
        "refund_form": form,
        "payback_text": payback_text(order),
        "errors": {},
        "message": "",
        "refund_message": "",
        "form": {},
    }


@pages.get("/orders/<order_id>")
@requires(Permission.ORDERS_READ)
def order(order_id: str) -> Response:
    return no_store(render_page("admin/order.html", extra_partials=("messages",), **words(), **detail_of(order_id)))


@pages.post("/orders/<order_id>/fulfil")
@requires(Permission.ORDERS_WRITE)
def fulfil_order(order_id: str) -> AnyResponse:
    try:
        fulfilment.fulfil_order(order_id, shipment_in_form())
    except (Invalid, WrongState) as refusal:
        return show_again(order_id, refusal)
    is_pickup = load_order(order_id).is_pickup
    return done(order_id, _("Order ready for pick-up.") if is_pickup else _("Order shipped."))


@pages.post("/orders/<order_id>/tracking")
@requires(Permission.ORDERS_WRITE)
def change_tracking(order_id: str) -> AnyResponse:
    try:
        fulfilment.change_tracking(order_id, shipment_in_form())
    except (Invalid, WrongState) as refusal:
        return show_again(order_id, refusal)
    return done(order_id, _("Tracking saved."))


def shipment_in_form() -> Shipment:
    return check_shipment(request.form.get("carrier", ""), request.form.get("tracking", ""))


@pages.post("/orders/<order_id>/cancel")
@requires(Permission.ORDERS_WRITE)
def cancel_order(order_id: str) -> AnyResponse:
    earlier = {refund.id for refund in load_order(order_id).refunds}
    try:
        fulfilment.cancel_order(order_id, request.form.get("reason", ""), request.form.get("restock") == "true")
    except (Invalid, WrongState) as refusal:
        return show_again(order_id, refusal)
    order = load_order(order_id)
    made = [refund for refund in order.refunds if refund.id not in earlier]
    return done(order_id, cancelled_text(order, made))


@pages.post("/orders/<order_id>/paid")
@requires(Permission.ORDERS_WRITE)
def mark_paid(order_id: str) -> AnyResponse:
    try:
        by_hand.mark_paid(order_id, request.form.get("reference", ""))
    except (Invalid, WrongState) as refusal:
        return show_again(order_id, refusal)
    return done(order_id, _("Order marked as paid."))


@pages.post("/orders/<order_id>/notes")
@requires(Permission.ORDERS_WRITE)
def add_note(order_id: str) -> AnyResponse:
    try:
        fulfilment.add_note(order_id, request.form.get("note", ""))
    except Invalid as refusal:
        return show_again(order_id, refusal)
    return done(order_id, _("Note added."))


def done(order_id: str, message: str) -> AnyResponse:
    flash(message, "notice")
    return redirect(url_for("admin.order", order_id=order_id), 303)


def show_again(order_id: str, refusal: Refusal) -> Response:
    """Show the order with what was typed, and why it can't be done."""
    return render_form("admin/order.html", refusal, **words(), **without_form(detail_of(order_id)))


def without_form(detail: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if name not in ("errors", "message", "form")}


def is_shipped_now(order_id: str) -> bool:
    """Mark one of several orders as shipped, if that is possible and its buyer hasn't withdrawn meanwhile."""
    try:
        if load_order(order_id).withdrawn_at is not None:
            return False
        fulfilment.fulfil_order(order_id, Shipment())
    except (NotFound, WrongState):
        return False
    return True


@pages.post("/orders/fulfil")
@requires(Permission.ORDERS_WRITE)
def fulfil_orders() -> AnyResponse:
    """Fulfil the selected orders, each by itself: one that can't be doesn't keep the others."""
    ids = list(dict.fromkeys(request.form.getlist("order_id")))[:MAX_AT_ONCE]
    refused = sum(not is_shipped_now(order_id) for order_id in ids)
    if shipped := len(ids) - refused:
        flash(ngettext("%(num)s order shipped.", "%(num)s orders shipped.", shipped), "notice")
    if refused:
        text = ngettext("%(num)s order couldn't be shipped.", "%(num)s orders couldn't be shipped.", refused)
        flash(text, "error")
    if not ids:
        flash(_("Select the orders to ship first."), "error")
    query = order_query(request.form)
    return redirect(url_of(query, before=query.before, after=query.after), 303)
