"""Mails in words: the states of one, and their shapes."""

from collections.abc import Mapping
from typing import NamedTuple

from storefront.i18n.gettext import N_, _
from storefront.mail.kinds import MailStatus
from storefront.mail.models import OutboxMail

STATUS_NAMES: Mapping[str, str] = {
    MailStatus.WAITING: N_("Waiting"),
    MailStatus.SENT: N_("Sent"),
    MailStatus.FAILED: N_("Failed"),
}
STATUS_SHAPES: Mapping[str, str] = {MailStatus.WAITING: "new", MailStatus.SENT: "done", MailStatus.FAILED: "warn"}


class MailState(NamedTuple):
    shape: str
    word: str


def state_of_mail(mail: OutboxMail) -> MailState:
    """Return the state as a shape of `status` in admin/_list.html, and a word."""
    if mail.status == MailStatus.WAITING and mail.attempts and mail.last_error:
        return MailState("warn", _("Trying again"))
    return MailState(STATUS_SHAPES[mail.status], _(STATUS_NAMES[mail.status]))
