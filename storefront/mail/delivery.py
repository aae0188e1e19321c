"""Sends the due mails of a shop: claims one, renders it, sends it outside of any transaction, and stores the result.

A mail is sent at least once: if a process ends between sending and storing, the next attempt has the same key, by which
a provider with idempotency keys recognises it."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.errors import MessageError
from pathlib import Path
from traceback import extract_tb

from flask import Flask, g
from sqlalchemy.exc import SQLAlchemyError

from storefront.clock import now
from storefront.db.tenant_context import current_tenant_id
from storefront.errors import DatabaseBusy, Refusal, Unavailable
from storefront.mail.claims import Claimed, claim_next, seconds_until_next, store_failure, store_sent
from storefront.mail.failures import MailFailure
from storefront.mail.messages import OutgoingMail, compose
from storefront.mail.rendering import render_mail
from storefront.mail.transports import Transport
from storefront.state import current_state
from storefront.tenants.job_context import job_context
from storefront.tenants.registry import registry
from storefront.timings import timings_of

MAX_MAILS_PER_TURN = 20
"""Mails of a shop that are sent before other shops have their turn."""
MAX_AGE = timedelta(days=3)
"""A mail that has waited longer, as where mail wasn't set up, isn't sent by itself any more: else hundreds of customers
would hear of orders of last year."""
STORE_ATTEMPTS = 5
log = logging.getLogger("storefront.mail")


def deliver_due(app: Flask, tenant_id: str, transport: Transport, goes_on: Callable[[], bool]) -> float | None:
    """Send the shop's due mails, until `goes_on` says no. Returns the seconds after which to call it again; None if no
    mail waits."""
    for _turn in range(MAX_MAILS_PER_TURN):
        if not goes_on():
            return None
        with shop_context(app, tenant_id):
            claimed = claim_next()
            if claimed is None:
                return seconds_until_next()
            prepared = prepare(claimed)
        sent = prepared if isinstance(prepared, MailFailure) else attempt(transport, prepared)
        with shop_context(app, tenant_id):
            store(claimed, sent)
        if isinstance(sent, MailFailure) and sent.stops_others:
            return max(timings_of(app).mail_pause, sent.retry_after)
    return 0


@contextmanager
def shop_context(app: Flask, tenant_id: str) -> Iterator[None]:
    """A context with the shop's settings, as a request of it has. Raises `LookupError` if the shop was removed."""
    with job_context(app, tenant_id):
        g.tenant = registry().find(tenant_id)
        if g.tenant is None:
            raise LookupError(tenant_id)
        yield


def prepare(claimed: Claimed) -> OutgoingMail | MailFailure:
    """Render the mail. An error in it must not keep other mails from being sent, and would come again at each attempt,
    unless it is the database's."""
    mail = claimed.mail
    if now() - (mail.resent_at or mail.created_at) > MAX_AGE:
        return MailFailure("too_old", "It waited for more than 3 days, so it wasn't sent by itself.", is_final=True)
    try:
        sender = current_state().settings.mail_sender
        return compose(g.tenant, mail.id, mail.recipient, render_mail(mail), sender)
    except MailFailure as failure:
        return failure
    except (DatabaseBusy, Unavailable, SQLAlchemyError) as fault:
        return unexpected(fault, is_final=False)
    except Exception as fault:  # noqa: BLE001 - whatever it is, other mails have to go out
        return unexpected(fault, is_final=True)


def unexpected(fault: Exception, is_final: bool) -> MailFailure:
    """Log an error that nobody foresaw, and return it as a failure. There is no traceback, as the messages of its
    errors may quote the mail, which has personal data."""
    last = extract_tb(fault.__traceback__)[-1]
    place = f"{Path(last.filename).name}:{last.lineno}"
    log.error("could not make or send a mail", extra={"error": type(fault).__name__, "place": place})
    text = "This email couldn't be made" if is_final else "An error occurred in the shop"
    return MailFailure("not_made" if is_final else "error", f"{text}: {type(fault).__name__}.", is_final=is_final)


class Sent(str):
    """What the server calls a mail that it has accepted; empty if it doesn't say."""

    __slots__ = ()


def attempt(transport: Transport, prepared: OutgoingMail) -> Sent | MailFailure:
    """An error that no transport expects counts as a failed attempt, too: the mail would be claimed again for ever. One
    of building the message is final."""
    try:
        return Sent(transport.send(prepared) or "")
    except MailFailure as failure:
        return failure
    except (ValueError, MessageError) as fault:
        return unexpected(fault, is_final=True)
    except Exception as fault:  # noqa: BLE001 - likewise
        return unexpected(fault, is_final=False)


def store(claimed: Claimed, result: Sent | MailFailure) -> None:
    """Store the result, patiently: without it, the mail would be sent again. Raises `Refusal` in the end."""
    for left in reversed(range(STORE_ATTEMPTS)):
        try:
            store_once(claimed, result)
        except Refusal:
            if not left:
                raise
            time.sleep(1)
        else:
            return


def store_once(claimed: Claimed, result: Sent | MailFailure) -> None:
    mail = claimed.mail
    about = {"tenant": current_tenant_id(), "mail": mail.id, "kind": mail.kind, "attempts": mail.attempts}
    if isinstance(result, MailFailure):
        is_final = store_failure(claimed, result)
        log.warning("mail failed" if is_final else "mail will be tried again", extra={**about, "code": result.code})
    else:
        store_sent(claimed, result or None)
        log.info("mail sent", extra=about)
