"""What each kind of mail says, in the language of its context. `data` of a mail has, besides the link's root:

- order_refunded: `amount`, in minor units, and `refund`, its id, which mails of earlier versions don't have;
- withdrawal_received: `received_at` (RFC 3339), and optionally `statement`, the customer's own words;
- invitation: `inviter`, a name, optionally."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from flask import g

from storefront.i18n.formatting import format_datetime, format_money
from storefront.i18n.gettext import _
from storefront.mail.kinds import MailKind
from storefront.mail.payment_lines import payment_facts, payment_request
from storefront.mail.refund_steps import refund_facts, refund_steps
from storefront.state import current_state

if TYPE_CHECKING:
    from storefront.orders.queries import OrderView

ORDER_KINDS = frozenset(
    {
        MailKind.ORDER_PLACED,
        MailKind.ORDER_PAID,
        MailKind.ORDER_SHIPPED,
        MailKind.ORDER_CANCELLED,
        MailKind.ORDER_REFUNDED,
        MailKind.WITHDRAWAL_RECEIVED,
    }
)


@dataclass(frozen=True)
class MailContent:
    """`facts` are labels with values. `button` is the label of the link, which is left out if there is no address. With
    `order`, its lines and amounts follow; `sums` are labels with amounts, of which the last is the total."""

    subject: str
    heading: str
    paragraphs: tuple[str, ...]
    facts: tuple[tuple[str, str], ...] = ()
    button: str = ""
    order: "OrderView | None" = None
    sums: tuple[tuple[str, str], ...] = ()
    small_print: str = ""


def content_of(kind: str, order_id: str | None, data: Mapping[str, Any]) -> MailContent:
    """Raises `NotFound` if the order is gone."""
    if kind in ORDER_KINDS:
        return ORDER_CONTENTS[MailKind(kind)](current_state().load_order(order_id or ""), data)
    return OTHER_CONTENTS[MailKind(kind)](data)


def order_mail(order: "OrderView", subject: str, heading: str, *paragraphs: str, **more: Any) -> MailContent:
    facts = ((_("Order number"), order.number), *more.pop("facts", ()))
    said = tuple(paragraph for paragraph in paragraphs if paragraph)
    return MailContent(subject, heading, said, facts=facts, button=_("View your order"), order=order, **more)


def pickup_facts(order: "OrderView") -> tuple[tuple[str, str], ...]:
    """Return where a pick-up's buyer comes to, if the shop says where it is."""
    address = g.tenant.contact.get("address", "")
    return ((_("Pick up at"), address),) if order.is_pickup and address else ()


def placed(order: "OrderView", _data: Mapping[str, Any]) -> MailContent:
    received = (
        _("We've received your order. We'll write to you as soon as it's ready to be picked up.")
        if order.is_pickup
        else _("We've received your order. We'll write to you again when it is on its way.")
    )
    return order_mail(
        order,
        _("Your order %(number)s", number=order.number),
        _("Thank you, %(name)s.", name=order.name),
        received,
        payment_request(order),
        facts=((_("Date"), format_datetime(order.created_at)), *payment_facts(order), *pickup_facts(order)),
    )


def paid(order: "OrderView", _data: Mapping[str, Any]) -> MailContent:
    return order_mail(
        order,
        _("Payment received for order %(number)s", number=order.number),
        _("We've received your payment"),
        _("Thank you, %(name)s. Your order is paid.", name=order.name),
        facts=pickup_facts(order),
    )


def shipped(order: "OrderView", _data: Mapping[str, Any]) -> MailContent:
    if order.is_pickup:
        return order_mail(
            order,
            _("Your order %(number)s is ready to be picked up", number=order.number),
            _("Your order is ready to be picked up"),
            _("Good news, %(name)s: you can pick up your order.", name=order.name),
            facts=pickup_facts(order),
        )
    facts = ((_("Carrier"), order.carrier), (_("Tracking number"), order.tracking))
    return order_mail(
        order,
        _("Your order %(number)s is on its way", number=order.number),
        _("Your order is on its way"),
        _("Good news, %(name)s: we've shipped your order.", name=order.name),
        facts=tuple((label, value) for label, value in facts if value),
    )


def cancelled(order: "OrderView", _data: Mapping[str, Any]) -> MailContent:
    return order_mail(
        order,
        _("Your order %(number)s was cancelled", number=order.number),
        _("Your order was cancelled"),
        _("Hello %(name)s, this order was cancelled and won't be shipped.", name=order.name),
        _("If you didn't expect this, please contact us."),
    )


def refunded(order: "OrderView", data: Mapping[str, Any]) -> MailContent:
    refund = next((one for one in order.refunds if one.id == data.get("refund")), None)
    content = order_mail(
        order,
        _("Refund for order %(number)s", number=order.number),
        _("We've refunded you"),
        _("Hello %(name)s, we've sent your money back the way you paid.", name=order.name),
        _("Depending on your bank, it can take a few days until it arrives."),
        facts=tuple(refund_facts(refund)) if refund else (),
    )
    steps = refund_steps(order, refund) if refund else ()
    return replace(content, order=None, sums=(*steps, (_("Refund"), format_money(data["amount"]))))


def withdrawal(order: "OrderView", data: Mapping[str, Any]) -> MailContent:
    facts = [(_("Received"), format_datetime(datetime.fromisoformat(data["received_at"])))]
    if statement := data.get("statement"):
        facts.append((_("Your statement"), statement))
    return order_mail(
        order,
        _("We've received your withdrawal from order %(number)s", number=order.number),
        _("We've received your withdrawal"),
        _("Hello %(name)s, this confirms that you have withdrawn from the contract for this order.", name=order.name),
        _("Please keep this email as your receipt."),
        facts=tuple(facts),
    )


def invitation(data: Mapping[str, Any]) -> MailContent:
    shop, inviter = g.tenant.name, data.get("inviter")
    text = (
        _("%(inviter)s invites you to help run %(shop)s.", inviter=inviter, shop=shop)
        if inviter
        else _("You're invited to help run %(shop)s.", shop=shop)
    )
    return MailContent(
        _("Your invitation to %(shop)s", shop=shop),
        _("You're invited"),
        (text, _("The link works once, within 7 days.")),
        button=_("Accept the invitation"),
        small_print=_("If you don't know what this is about, you can ignore this email."),
    )


def password_reset(_data: Mapping[str, Any]) -> MailContent:
    return MailContent(
        _("Choose a new password"),
        _("Choose a new password"),
        (
            _("Somebody asked for a new password for your account at %(shop)s.", shop=g.tenant.name),
            _("The link works once, within a day."),
        ),
        button=_("Choose a new password"),
        small_print=_("If it wasn't you, ignore this email: your password stays as it is."),
    )


def test_mail(_data: Mapping[str, Any]) -> MailContent:
    return MailContent(
        _("Test email from %(shop)s", shop=g.tenant.name),
        _("Email works"),
        (_("This is how emails from %(shop)s look.", shop=g.tenant.name),),
        button=_("Visit shop"),
    )


ORDER_CONTENTS: Mapping[MailKind, Callable[["OrderView", Mapping[str, Any]], MailContent]] = {
    MailKind.ORDER_PLACED: placed,
    MailKind.ORDER_PAID: paid,
    MailKind.ORDER_SHIPPED: shipped,
    MailKind.ORDER_CANCELLED: cancelled,
    MailKind.ORDER_REFUNDED: refunded,
    MailKind.WITHDRAWAL_RECEIVED: withdrawal,
}
OTHER_CONTENTS: Mapping[MailKind, Callable[[Mapping[str, Any]], MailContent]] = {
    MailKind.INVITATION: invitation,
    MailKind.PASSWORD_RESET: password_reset,
    MailKind.TEST: test_mail,
}
