"""A rendered mail with its addresses and headers, ready for a transport."""

from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from email_validator import EmailNotValidError, validate_email

from storefront.clock import now
from storefront.i18n.unicode_text import single_line
from storefront.mail.failures import MailFailure
from storefront.mail.rendering import RenderedMail
from storefront.mail_settings import MailSender
from storefront.tenants.settings import TenantSettings


@dataclass(frozen=True)
class OutgoingMail:
    """`key` identifies the mail among all of this installation, at every attempt: a provider that has seen it doesn't
    send it a second time. `headers` are those besides the usual ones; `reply_to` is empty if answers go to the
    sender."""

    key: str
    sender: str
    sender_name: str
    recipient: str
    subject: str
    text: str
    html: str
    message_id: str
    headers: dict[str, str]
    reply_to: str = ""

    @property
    def sender_header(self) -> str:
        return str(Address(self.sender_name, addr_spec=self.sender))

    def as_message(self) -> EmailMessage:
        """Return it in the form of SMTP. The policy refuses line breaks in headers."""
        message = EmailMessage(policy=SMTP)
        message["From"] = Address(self.sender_name, addr_spec=self.sender)
        message["To"] = Address(addr_spec=self.recipient)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(now())
        message["Message-ID"] = self.message_id
        if self.reply_to:
            message["Reply-To"] = Address(addr_spec=self.reply_to)
        for name, value in self.headers.items():
            message[name] = value
        message.set_content(self.text)
        message.add_alternative(self.html, subtype="html")
        return message


def compose(
    tenant: TenantSettings, mail_id: int, recipient: str, rendered: RenderedMail, sender: MailSender
) -> OutgoingMail:
    """Raises `MailFailure` for a recipient that no server can take."""
    return OutgoingMail(
        key=f"{tenant.id}-{mail_id}",
        sender=sender.address,
        sender_name=single_line(sender.name or tenant.name),
        recipient=deliverable_address(recipient),
        subject=single_line(rendered.subject),
        text=rendered.text,
        html=rendered.html,
        message_id=f"<{mail_id}.{tenant.id}@{sender.domain}>",
        headers={
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "All",
            "List-Id": f"<mail.{tenant.id}.{sender.domain}>",
        },
        reply_to=contact_address(tenant),
    )


def contact_address(tenant: TenantSettings) -> str:
    """Return the address at which the shop reads mail; empty if it names none that a server can take."""
    try:
        return deliverable_address(tenant.contact.get("email", ""))
    except MailFailure:
        return ""


def deliverable_address(recipient: str) -> str:
    """Return the address with its domain in ASCII, which every server takes. Raises `MailFailure`, also for one that is
    not ASCII before the @, as of an order of an earlier version."""
    try:
        found = validate_email(recipient, check_deliverability=False, test_environment=True, allow_smtputf8=False)
    except EmailNotValidError as fault:
        raise MailFailure("invalid_recipient", str(fault), is_final=True) from None
    return f"{found.local_part}@{found.ascii_domain}"
