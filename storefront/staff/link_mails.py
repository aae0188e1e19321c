"""One-time links by mail. A link needs an address: where the installation doesn't know its own, none is sent."""

from typing import Any

from storefront.db.tenant_context import current_tenant_id
from storefront.mail.actions import queue_mail
from storefront.mail.kinds import MailKind
from storefront.staff.models import LinkKind
from storefront.staff.one_time_links import PATHS
from storefront.state import current_state
from storefront.web.absolute_urls import root_for_mail

KINDS = {LinkKind.INVITATION: MailKind.INVITATION, LinkKind.PASSWORD: MailKind.PASSWORD_RESET}


def mail_link(kind: LinkKind, token: str, email: str, language: str, data: dict[str, Any]) -> None:
    """Queue a mail with this link, inside `write()`."""
    if knows_own_address():
        queue_mail(KINDS[kind], email, language, data=data, secret_path=PATHS[kind] + token)


def knows_own_address() -> bool:
    return root_for_mail(current_tenant_id()) is not None


def can_mail_links() -> bool:
    """Whether links reach their recipients by mail."""
    return current_state().settings.mail_server is not None and knows_own_address()
