"""Checks and parsers for MAIL_URL and MAIL_FROM. Each raises a `ValueError` whose message continues a sentence that
begins with the variable's name. None of them repeats a value, which may be a password in the wrong variable."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, unquote, urlsplit

FORMS = (
    "must be smtp://user:password@host:587, smtps://user:password@host:465, postmark://token or resend://token; "
    "write special characters of a password in percent-encoding, such as %40 for @."
)
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
NAME_AND_ADDRESS = re.compile(r"\s*\"?(?P<name>[^\"<>\r\n]*?)\"?\s*<(?P<address>[^<>]*)>\s*")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


class MailService(StrEnum):
    """How mail is sent, named as the scheme of MAIL_URL."""

    SMTP = "smtp"
    SMTPS = "smtps"
    POSTMARK = "postmark"
    RESEND = "resend"


API_BASES = {MailService.POSTMARK: "https://api.postmarkapp.com", MailService.RESEND: "https://api.resend.com"}
SMTP_PORTS = {MailService.SMTP: 587, MailService.SMTPS: 465}


@dataclass(frozen=True)
class MailServer:
    """MAIL_URL, parsed. SMTP has a host, a port, and maybe user and password; a provider's API a token and a URL."""

    service: MailService
    host: str = ""
    port: int = 0
    user: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    api_base: str = ""

    @property
    def may_skip_tls(self) -> bool:
        """Whether a relay that doesn't offer STARTTLS is fine: on this machine, without a password to protect."""
        return self.host in LOOPBACK and not self.user


@dataclass(frozen=True)
class MailSender:
    """MAIL_FROM, parsed. Without a name, the shop's own is shown."""

    address: str
    name: str = ""

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2]


def mail_url(value: str) -> str:
    parse_mail_url(value)
    return value


def mail_from(value: str) -> str:
    parse_mail_from(value)
    return value


def parse_mail_url(value: str) -> MailServer:
    try:
        parts = urlsplit(value)
        service = MailService(parts.scheme)
        return smtp_server(service, parts) if service in SMTP_PORTS else api_server(service, parts)
    except ValueError:
        raise ValueError(FORMS) from None


def smtp_server(service: MailService, parts: SplitResult) -> MailServer:
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not parts.hostname or parts.port == 0 or parts.path.strip("/") or parts.query or bool(user) != bool(password):
        raise ValueError
    return MailServer(service, parts.hostname, parts.port or SMTP_PORTS[service], user, password)


def api_server(service: MailService, parts: SplitResult) -> MailServer:
    """The token stands where a URL has its host. With `@host`, another server is called, as in tests."""
    token, _, host = parts.netloc.partition("@")
    if not re.fullmatch(r"[A-Za-z0-9_.-]{8,200}", token) or parts.path.strip("/") or parts.query:
        raise ValueError
    base = API_BASES[service]
    if host:
        _check = parts.port  # raises
        base = f"{'http' if parts.hostname in LOOPBACK else 'https'}://{host}"
    return MailServer(service, token=token, api_base=base)


def parse_mail_from(value: str) -> MailSender:
    found = NAME_AND_ADDRESS.fullmatch(value)
    address = (found["address"] if found else value).strip()
    if not ADDRESS.fullmatch(address):
        raise ValueError("must be an address such as orders@example.com, or Shop <orders@example.com>.")
    return MailSender(address, found["name"].strip() if found else "")
