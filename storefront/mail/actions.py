"""Writing mails into the outbox, and sending one again by hand."""

from typing import Any
from urllib.parse import urlsplit

from flask import g
from sqlalchemy import bindparam, select, update

from storefront.clock import UtcDateTime, now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_rows, tenant_scoped
from storefront.db.tenant_context import current_tenant_id
from storefront.db.transactions import run_after_commit, write
from storefront.errors import WrongState
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.i18n.gettext import _
from storefront.ids import new_id
from storefront.mail.kinds import MailKind, MailStatus
from storefront.mail.models import OutboxMail
from storefront.mail.queries import find_mail, load_mail, mails_of_order
from storefront.mail.sealed_links import seal
from storefront.state import current_state
from storefront.web.absolute_urls import is_own_host, root_for_mail

outbox = table_of(OutboxMail)
MOMENT = bindparam("moment", type_=UtcDateTime())
OF_MAIL = (outbox.c.id == bindparam("mail"),)
QUEUE_AGAIN = tenant_scoped(
    update(outbox)
    .where(*OF_MAIL, outbox.c.status == MailStatus.FAILED)
    .values(status=MailStatus.WAITING, attempts=0, next_attempt_at=MOMENT, resent_at=MOMENT, claim=None)
)
LOCK_MAIL = tenant_scoped(select(outbox.c.id).where(*OF_MAIL).with_for_update())
TRY_NOW = tenant_scoped(
    update(outbox)
    .where(*OF_MAIL, outbox.c.status == MailStatus.WAITING, outbox.c.claim.is_(None))
    .values(next_attempt_at=MOMENT)
)


def queue_mail(
    kind: MailKind,
    recipient: str,
    language: str,
    order_id: str | None = None,
    data: dict[str, Any] | None = None,
    secret_path: str = "",
    came_by: str = "",
) -> int:
    """Add a mail to the outbox, inside `write()`, to be sent after the commit. Returns its id.

    `data` is what the kind's text needs besides the order (`contents.py`); `secret_path` the path below the shop's root
    of a link that only the recipient may see; `came_by` the URL of the shop's root as the buyer came to it, for a mail
    of a background job. An empty `language` stands for the shop's own."""
    root = root_for_mail(current_tenant_id()) or root_of_earlier_mail(kind, order_id) or trusted(came_by)
    kept = {**(data or {}), "root": root}
    if secret_path:
        kept["sealed_link"] = seal(secret_path)
    return insert_mail(kind, {"order_id": order_id, "recipient": recipient, "language": language, "data": kept})


def root_of_earlier_mail(kind: MailKind, order_id: str | None) -> str | None:
    """Return the root of an order's earlier mail: background jobs have no request that says where the shop is."""
    if order_id is None or kind == MailKind.ORDER_PLACED:
        return None
    roots = (mail.data.get("root") for mail in mails_of_order(order_id))
    return next((root for root in roots if root), None)


def trusted(root: str) -> str | None:
    """Return a root that was stored as a request named it, if it is one of this installation's."""
    return root if is_own_host(urlsplit(root).netloc.lower()) else None


def insert_mail(kind: str, row: dict[str, Any], mail_id: int | None = None) -> int:
    """Insert a new mail, by default with a new id, and wake up the worker after the commit."""
    moment, mail_id = now(), mail_id or next_mail_id()
    new = {"status": MailStatus.WAITING, "attempts": 0, "created_at": moment, "next_attempt_at": moment}
    insert_rows(OutboxMail, [{"id": mail_id, "kind": kind, **row, **new}])
    run_after_commit(wake_worker)
    return mail_id


def next_mail_id() -> int:
    """Return an id above those that this context has made, so that mails of one transaction keep their order."""
    g.last_mail_id = max(new_id(), g.get("last_mail_id", 0) + 1)
    mail_id: int = g.last_mail_id
    return mail_id


def wake_worker() -> None:
    current_state().mail_worker.wake(current_tenant_id())


def send_again(mail_id: int, shown_status: str | None = None, copy_id: int | None = None) -> int:
    """Send a mail once more: one that has failed or waits is tried at once, of one that was sent a copy goes out.
    A form that is sent twice does it once: it has the status that it was shown with, and the id for the copy.
    Returns the id of the mail to look at. Raises `NotFound`, and `WrongState` if mail isn't set up, if the mail is
    being sent, or if its secret link is gone."""
    check_mail_is_set_up()
    with write():
        execute(LOCK_MAIL, {"mail": mail_id})
        mail = load_mail(mail_id)
        if mail.status == MailStatus.SENT:
            if shown_status not in (None, MailStatus.SENT):
                return mail_id
            if copy_id is not None and find_mail(copy_id):
                return copy_id
            mail_id = insert_copy(mail, copy_id)
        else:
            statement = QUEUE_AGAIN if mail.status == MailStatus.FAILED else TRY_NOW
            if not execute(statement, {"mail": mail_id, "moment": now()}).rowcount:
                raise WrongState(_("This email is being sent right now."))
            run_after_commit(wake_worker)
        record_events([Change(EventType.MAIL_RESENT, mail.order_id or str(mail.id), {"kind": mail.kind})])
    return mail_id


def insert_copy(mail: OutboxMail, copy_id: int | None) -> int:
    if mail.has_used_secret:
        raise WrongState(_("The link in this email is secret and wasn't kept. Please make a new one."))
    row = {"order_id": mail.order_id, "recipient": mail.recipient, "language": mail.language, "data": mail.data}
    is_usable = copy_id is not None and mail.id < copy_id < new_id()
    return insert_mail(mail.kind, row, copy_id if is_usable else None)


def send_test_mail(recipient: str, language: str) -> int:
    """Queue a mail that says that mail works. Raises `WrongState` if mail isn't set up."""
    check_mail_is_set_up()
    with write():
        return queue_mail(MailKind.TEST, recipient, language)


def check_mail_is_set_up() -> None:
    if current_state().settings.mail_server is None:
        raise WrongState(_("Email isn't set up yet: set MAIL_URL and MAIL_FROM first."))
