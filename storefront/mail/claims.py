"""Claims on mails: which mail is next, that one process sends it, and what became of it.

A claim is a token and a lease. A process that ends before it stores a result leaves the row as it is, and after the
lease another attempt follows. A mail of an order waits until the earlier ones of the order were sent or have failed for
good."""

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import String, bindparam, func, select, update

from storefront.clock import UtcDateTime, now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.transactions import write
from storefront.events.actions import Change, record_events
from storefront.events.models import EventType
from storefront.ids import new_token
from storefront.mail.failures import MailFailure
from storefront.mail.kinds import MailStatus
from storefront.mail.models import OutboxMail
from storefront.mail.queries import load_mail
from storefront.observability.redaction import redact
from storefront.timings import timings

MAX_ATTEMPTS = 12
FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 10, 6 * 60 * 60
"""Each delay is three times the one before. The last attempt is 27 hours after the first."""
MAX_ERROR_LENGTH = 500

outbox = table_of(OutboxMail)
earlier = outbox.alias("earlier")
MOMENT, MINE = bindparam("moment", type_=UtcDateTime()), bindparam("mine", type_=String())
IS_WAITING = outbox.c.status == MailStatus.WAITING
HAS_EARLIER = (
    tenant_scoped(
        select(earlier.c.id).where(
            earlier.c.order_id == outbox.c.order_id, earlier.c.id < outbox.c.id, earlier.c.status == MailStatus.WAITING
        )
    )
    .correlate(outbox)
    .exists()
)
SELECT_DUE = tenant_scoped(
    select(outbox.c.id)
    .where(IS_WAITING, ~HAS_EARLIER, outbox.c.next_attempt_at <= MOMENT)
    .order_by(outbox.c.next_attempt_at, outbox.c.id)
    .limit(1)
)
SELECT_NEXT_TIME = tenant_scoped(select(func.min(outbox.c.next_attempt_at)).where(IS_WAITING, ~HAS_EARLIER))
CLAIM = tenant_scoped(
    update(outbox)
    .where(outbox.c.id == bindparam("mail"), IS_WAITING, outbox.c.next_attempt_at <= MOMENT)
    .values(claim=MINE, next_attempt_at=bindparam("lease", type_=UtcDateTime()), attempts=outbox.c.attempts + 1)
)
IS_MINE = (outbox.c.id == bindparam("mail"), outbox.c.claim == MINE, IS_WAITING)
MARK_SENT = tenant_scoped(
    update(outbox)
    .where(*IS_MINE)
    .values(
        status=MailStatus.SENT,
        sent_at=MOMENT,
        claim=None,
        last_error=None,
        provider_id=bindparam("provider"),
        data=bindparam("kept", type_=outbox.c.data.type),
    )
)
MARK_ATTEMPT = tenant_scoped(
    update(outbox)
    .where(*IS_MINE)
    .values(status=bindparam("state"), next_attempt_at=MOMENT, claim=None, last_error=bindparam("error"))
)


class Claimed(NamedTuple):
    """A mail that this process sends now."""

    mail: OutboxMail
    token: str


def claim_next() -> Claimed | None:
    """Claim the current tenant's next due mail; None if there is none."""
    while (mail_id := execute(SELECT_DUE, {"moment": now()}).scalar()) is not None:
        token, moment = new_token(), now()
        lease = moment + timedelta(seconds=timings().mail_lease)
        with write():
            claimed = execute(CLAIM, {"mail": mail_id, "mine": token, "moment": moment, "lease": lease}).rowcount
        if claimed:
            return Claimed(load_mail(mail_id), token)
    return None


def seconds_until_next() -> float | None:
    """Return the seconds until a mail of the current tenant is due; None if none waits."""
    moment: datetime | None = execute(SELECT_NEXT_TIME).scalar()
    return None if moment is None else max((moment - now()).total_seconds(), 0.05)


def store_sent(claimed: Claimed, provider_id: str | None) -> None:
    """A secret link isn't kept any longer."""
    kept = {name: value for name, value in claimed.mail.data.items() if name != "sealed_link"}
    with write():
        execute(MARK_SENT, {**mine(claimed), "moment": now(), "provider": provider_id, "kept": kept})


def store_failure(claimed: Claimed, failure: MailFailure) -> bool:
    """Store when to try again, or that the mail has failed for good. Return whether it has."""
    mail, is_final = claimed.mail, failure.is_final or claimed.mail.attempts >= MAX_ATTEMPTS
    wait = max(delay_after(mail.attempts), timedelta(seconds=failure.retry_after))
    state = MailStatus.FAILED if is_final else MailStatus.WAITING
    error = redact(failure.text).replace(mail.recipient, "…")[:MAX_ERROR_LENGTH]
    with write():
        stored = execute(MARK_ATTEMPT, {**mine(claimed), "state": state, "moment": now() + wait, "error": error})
        if is_final and stored.rowcount:
            about = {"kind": mail.kind, "code": failure.code}
            record_events([Change(EventType.MAIL_FAILED, mail.order_id or str(mail.id), about)])
    return is_final


def mine(claimed: Claimed) -> dict[str, Any]:
    return {"mail": claimed.mail.id, "mine": claimed.token}


def delay_after(attempts: int) -> timedelta:
    """Return the delay after this number of failed attempts, at least 1."""
    return timedelta(seconds=min(FIRST_DELAY_SECONDS * 3 ** (attempts - 1), MAX_DELAY_SECONDS))
