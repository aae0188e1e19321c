"""Sends by SMTP: with STARTTLS (`smtp://`) or TLS from the start (`smtps://`)."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from storefront.mail.failures import MailFailure
from storefront.mail.messages import OutgoingMail
from storefront.mail_settings import MailServer, MailService

TIMEOUT_SECONDS = 10.0
"""For each step of the conversation."""


class SmtpTransport:
    """A connection for each mail: shops send few, and servers close idle connections."""

    def __init__(self, server: MailServer) -> None:
        self.server = server
        self._context: ssl.SSLContext | None = None

    def send(self, mail: OutgoingMail) -> str | None:
        message = mail.as_message()
        try:
            with self._connection() as connection:
                connection.send_message(message, mail.sender, [mail.recipient])
        except smtplib.SMTPRecipientsRefused as fault:
            raise refused(*next(iter(fault.recipients.values()))) from None
        except smtplib.SMTPDataError as fault:
            raise refused(fault.smtp_code, fault.smtp_error) from None
        except smtplib.SMTPResponseException as fault:  # of the sender, the password, the greeting
            raise MailFailure(f"smtp_{fault.smtp_code}", said(fault.smtp_error), stops_others=True) from None
        except smtplib.SMTPNotSupportedError as fault:
            is_of_server = mail.recipient.isascii()  # that lacks STARTTLS; else it can't take this address
            raise MailFailure(
                "smtp_not_supported", str(fault), is_final=not is_of_server, stops_others=is_of_server
            ) from None
        except TimeoutError:
            raise MailFailure("timeout", "The mail server didn't answer in time.", stops_others=True) from None
        except OSError as fault:  # also smtplib's, of a lost connection
            raise MailFailure("no_connection", f"{type(fault).__name__}: {fault}", stops_others=True) from None
        return None

    @contextmanager
    def _connection(self) -> Iterator[smtplib.SMTP]:
        """A connection that is encrypted, and signed in if there is a password."""
        connection = self._connect()
        try:
            self._prepare(connection)
            yield connection
            with suppress(OSError):  # whatever the server answers now: it has accepted the mail
                connection.quit()
        finally:
            connection.close()

    def _connect(self) -> smtplib.SMTP:
        server = self.server
        if server.service == MailService.SMTPS:
            return smtplib.SMTP_SSL(server.host, server.port, timeout=TIMEOUT_SECONDS, context=self._tls())
        return smtplib.SMTP(server.host, server.port, timeout=TIMEOUT_SECONDS)

    def _prepare(self, connection: smtplib.SMTP) -> None:
        server = self.server
        if server.service == MailService.SMTP:
            connection.ehlo_or_helo_if_needed()
            if connection.has_extn("starttls") or not server.may_skip_tls:
                connection.starttls(context=self._tls())
        if server.user:
            connection.login(server.user, server.password)

    def _tls(self) -> ssl.SSLContext:
        """Made once, because reading the certificate authorities takes a tenth of a second."""
        if self._context is None:
            self._context = ssl.create_default_context()
        return self._context

    def close(self) -> None:
        """Nothing to do: no connection is kept."""


def refused(code: int, text: bytes | str) -> MailFailure:
    """What the server said about this mail: for good (5xx) or for now."""
    return MailFailure(f"smtp_{code}", f"{code} {said(text)}", is_final=code >= 500)


def said(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text
