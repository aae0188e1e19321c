"""Which email addresses the shop can send to."""

from storefront.i18n.gettext import _


def is_mailable(address: str) -> bool:
    """Whether every mail server takes the address: the part before the @ has to be ASCII, while a domain is sent in
    Punycode. Other addresses need SMTPUTF8 (RFC 6531), which few servers and no provider's API offer."""
    return address.rpartition("@")[0].isascii()


def not_mailable_text() -> str:
    return _("We can't send email to an address with letters such as ü before the @. Please enter another address.")
