"""Reads of the outbox."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from storefront.db.base import db, table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.mail.kinds import MailStatus
from storefront.mail.models import FAILED, WAITING, OutboxMail

MAX_POSITION = 2**63 - 1
MAX_MAILS_OF_ORDER = 50
END = "\U0010ffff"
"""Sorts behind every other character."""
HAS_STATUS: Mapping[MailStatus, Any] = {
    MailStatus.WAITING: WAITING,
    MailStatus.FAILED: FAILED,
    MailStatus.SENT: OutboxMail.status == MailStatus.SENT,
}
"""Two as the partial indexes say it."""
outbox = table_of(OutboxMail)
SELECT_STATE = tenant_scoped(
    select(
        func.max(outbox.c.id).label("last"),
        tenant_scoped(select(func.count()).select_from(outbox).where(WAITING)).scalar_subquery().label("waiting"),
        tenant_scoped(select(func.count()).select_from(outbox).where(FAILED)).scalar_subquery().label("failed"),
    )
)


@dataclass(frozen=True)
class MailQuery:
    """Which mails: `q` is the beginning of a recipient's address if `by_recipient`; `order_id` is of the order whose
    number was searched for. `before` and `after` are ids where a page begins, exclusive; `after` reads newer ones."""

    q: str = ""
    status: str = ""
    order_id: str | None = None
    by_recipient: bool = False
    before: int | None = None
    after: int | None = None

    @property
    def is_narrowed(self) -> bool:
        return bool(self.q or self.status)


@dataclass(frozen=True)
class MailPage:
    """Mails, newest first, and whether there are older and newer ones."""

    mails: list[OutboxMail]
    has_older: bool
    has_newer: bool


def list_mails(query: MailQuery, limit: int) -> MailPage:
    """Return `limit` mails at most."""
    wanted = matching(query)
    if query.after is not None:
        newer = wanted.where(OutboxMail.id > query.after).order_by(OutboxMail.id).limit(limit + 1)
        found = list(db.session.scalars(newer))
        return MailPage(found[:limit][::-1], has_older=True, has_newer=len(found) > limit)
    high = query.before if query.before is not None else MAX_POSITION
    older = wanted.where(OutboxMail.id < high).order_by(OutboxMail.id.desc()).limit(limit + 1)
    found = list(db.session.scalars(older))
    return MailPage(found[:limit], has_older=len(found) > limit, has_newer=query.before is not None)


def matching(query: MailQuery) -> Select[OutboxMail]:
    wanted = select(OutboxMail)
    if query.status:
        wanted = wanted.where(HAS_STATUS[MailStatus(query.status)])
    if query.q:
        found = [begins_with(typed) for typed in {query.q, query.q.lower()}] if query.by_recipient else []
        if query.order_id is not None:
            found.append(OutboxMail.order_id == query.order_id)
        wanted = wanted.where(or_(*found)) if found else wanted.where(OutboxMail.id < 0)
    return wanted


def begins_with(typed: str) -> Any:
    return and_(OutboxMail.recipient >= typed, OutboxMail.recipient < typed + END)


def find_mail(mail_id: int) -> OutboxMail | None:
    return db.session.scalar(select(OutboxMail).where(OutboxMail.id == mail_id))


def load_mail(mail_id: int) -> OutboxMail:
    """Raises `NotFound`."""
    found = find_mail(mail_id)
    if found is None:
        raise NotFound(_("We couldn't find this email. Emails are deleted after a while."))
    return found


def mails_of_order(order_id: str) -> Sequence[OutboxMail]:
    """Return the latest mails about an order, the latest first."""
    found = select(OutboxMail).where(OutboxMail.order_id == order_id)
    return db.session.scalars(found.order_by(OutboxMail.id.desc()).limit(MAX_MAILS_OF_ORDER)).all()


def outbox_state() -> str:
    """Return a text that changes when a mail is queued, sent, or has failed."""
    state = execute(SELECT_STATE).one()
    return f"{state.last or 0}-{state.waiting}-{state.failed}"
