"""The refund of an order, on the order's page of the back office."""

from flask import Response, request
from werkzeug.wrappers import Response as AnyResponse

from storefront import money
from storefront.admin.blueprints import pages
from storefront.admin.order_pages import detail_of, done, without_form, words
from storefront.admin.refund_form import RefundForm
from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import single_line
from storefront.ids import is_id, new_token
from storefront.orders.queries import OrderView, load_order
from storefront.orders.refund_models import RefundStatus
from storefront.refunds.actions import refund_order
from storefront.refunds.calculator import RefundRequest
from storefront.staff.access import requires
from storefront.staff.forms import render_form
from storefront.staff.permissions import Permission


@pages.post("/orders/<order_id>/refunds")
@requires(Permission.REFUNDS_WRITE)
def refund(order_id: str) -> AnyResponse:
    order = load_order(order_id)
    try:
        found = refund_order(order_id, refund_in_form(order), given_id())
    except Invalid as refusal:
        return show_form_again(order_id, refusal)
    texts = {
        RefundStatus.SUCCEEDED: _("Refunded."),
        RefundStatus.PENDING: _("The refund is on its way. This page shows when it has arrived."),
        RefundStatus.FAILED: _("The payment provider couldn't make this refund."),
    }
    return done(order_id, texts[RefundStatus(found.status)])


def show_form_again(order_id: str, refusal: Invalid) -> Response:
    """Show the order with what was typed. Messages of fields that the form doesn't have any more, because others have
    refunded meanwhile, stand above it."""
    detail = without_form(detail_of(order_id))
    form: RefundForm | None = detail["refund_form"]
    there = ("items", "amount", "reason", *(["shipping"] if form.shipping else [])) if form else ()
    texts = [text_of(fault) for fault in refusal.field_errors if fault.field not in there]
    return render_form("admin/order.html", refusal, **words(), **detail | {"refund_message": " ".join(texts)})


def text_of(fault: FieldError) -> str:
    if fault.field == "Idempotency-Key":
        return _("This form was already sent with other details. Please check the refunds before you send it again.")
    return fault.message


def given_id() -> str:
    sent = request.form.get("refund_id", "")
    return sent if is_id(sent) else new_token()


def refund_in_form(order: OrderView) -> RefundRequest:
    """Raises `Invalid` with a message for each field that isn't a number."""
    faults: list[FieldError] = []
    quantities = {line.variant_id: quantity_of(line.variant_id, faults) for line in order.lines}
    shipping = amount_of("refund_shipping", order.currency, faults)
    amount = amount_of("refund_amount", order.currency, faults)
    if faults:
        raise Invalid(*faults)
    reason, restock = request.form.get("refund_reason", ""), request.form.get("refund_restock") == "true"
    return RefundRequest(
        {id: number for id, number in quantities.items() if number}, shipping or 0, amount, reason, restock
    )


def quantity_of(variant_id: str, faults: list[FieldError]) -> int:
    text = single_line(request.form.get(f"quantity_{variant_id}", "")) or "0"
    if text.isascii() and text.isdigit() and len(text) <= 3:
        return int(text)
    faults.append(FieldError("items", _("Please enter whole numbers.")))
    return 0


def amount_of(field: str, currency: str, faults: list[FieldError]) -> int | None:
    """Return the amount in minor units; None if the field is empty."""
    text = single_line(request.form.get(field, ""))
    try:
        return money.parse(text.replace(",", "."), currency) if text else None
    except ValueError:
        faults.append(FieldError(field.removeprefix("refund_"), _("Please enter an amount.")))
        return None
