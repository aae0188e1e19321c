"""Mails about an order."""

from typing import Any

from storefront.mail.actions import queue_mail
from storefront.mail.kinds import MailKind
from storefront.orders.queries import OrderView


def mail_buyer(kind: MailKind, order: OrderView, **data: Any) -> None:
    """Queue a mail about the order in its language, inside `write()`. `data` is what the text of this kind needs
    besides the order (`storefront/mail/contents.py`)."""
    came_by = order.payment.return_root if order.payment else ""
    queue_mail(kind, order.email, order.language or order.lines[0].language or "", order.id, data, came_by=came_by)
