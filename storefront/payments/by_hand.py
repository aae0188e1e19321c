"""What staff do with a payment: mark a bank transfer or a payment on delivery as received."""

from storefront.clock import now
from storefront.db.transactions import write
from storefront.errors import FieldError, Invalid, WrongState
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import has_control, single_line
from storefront.mail.kinds import MailKind
from storefront.orders.mails import mail_buyer
from storefront.orders.models import OrderStatus
from storefront.orders.payment_changes import change_payment, lock_payment
from storefront.orders.payment_choice import ONLINE_METHODS
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.queries import load_order

MAX_REFERENCE_LENGTH = 140


def mark_paid(order_id: str, reference: str = "") -> None:
    """Record that the whole amount was received. Again changes nothing.

    Raises `NotFound`, `Invalid`, or `WrongState` for an order that is cancelled, has nothing to pay, or is paid online.
    """
    reference = check_reference(reference)
    order = load_order(order_id)
    with write(durable=True):
        locked = lock_payment(order_id)
        if locked is None:
            raise WrongState(_("There is nothing to pay for this order."))
        order_status, payment = locked
        if payment.method in ONLINE_METHODS:
            raise WrongState(_("This order is paid online, and marked as paid by itself."))
        if payment.paid:
            return
        if order_status == OrderStatus.CANCELLED:
            raise WrongState(_("This order was cancelled and can't be marked as paid."))
        change_payment(
            order_id,
            status=PaymentStatus.PAID,
            paid=payment.amount,
            paid_at=now(),
            reference=reference or payment.reference,
        )
        mail_buyer(MailKind.ORDER_PAID, order)
        data = {"amount": payment.amount, "method": payment.method}
        change = ({"payment": payment.status}, {"payment": PaymentStatus.PAID})
        record_events([Change(EventType.ORDER_PAID, order_id, data, *change)])


def check_reference(reference: str) -> str:
    if has_control(reference):
        raise Invalid(FieldError("reference", _("This text can't contain control characters.")))
    text = single_line(reference)
    if len(text) > MAX_REFERENCE_LENGTH:
        message = _("This text can't be longer than %(most)s characters.", most=MAX_REFERENCE_LENGTH)
        raise Invalid(FieldError("reference", message))
    return text
