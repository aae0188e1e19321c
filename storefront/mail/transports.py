"""How a message leaves: the interface of a mail server or provider, and which one MAIL_URL names."""

from typing import Protocol

from storefront.config import Settings
from storefront.mail.http_transports import PostmarkTransport, ResendTransport
from storefront.mail.messages import OutgoingMail
from storefront.mail.smtp_transport import SmtpTransport
from storefront.mail_settings import MailServer, MailService


class Transport(Protocol):
    def send(self, mail: OutgoingMail) -> str | None:
        """Send it, or raise `MailFailure`. Return what the server calls it, if it says so. No transaction may be
        open: it takes as long as a slow server does."""

    def close(self) -> None:
        """Close idle connections."""


def transport_of(settings: Settings) -> Transport | None:
    """Return the transport of MAIL_URL; None if mail isn't set up."""
    server = settings.mail_server
    return None if server is None else make_transport(server)


def make_transport(server: MailServer) -> Transport:
    if server.service == MailService.POSTMARK:
        return PostmarkTransport(server)
    if server.service == MailService.RESEND:
        return ResendTransport(server)
    return SmtpTransport(server)
