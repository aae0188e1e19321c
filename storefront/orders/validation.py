"""What it takes to place an order."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from email_validator import EmailNotValidError, validate_email

from storefront.errors import CartChanged, CartEmpty, FieldError, Invalid, PriceChanged
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import INVISIBLE, has_control, has_visible, plain_address, single_line
from storefront.pricing.calculator import Price

EMAIL_PATTERN = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
)
"""The addresses in ASCII that `check_buyer` takes, for the document of the API."""
NAME_PATTERN = rf"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f{INVISIBLE}][^\x00-\x1f\x7f-\x9f]*$"
"""What `check_buyer` takes for a name, for the document of the API."""
IDEMPOTENCY_KEY_PATTERN = r"^[\x20-\x7e]+$"
MAX_EMAIL_LENGTH = 254
MAX_NAME_LENGTH = 200
MAX_IDEMPOTENCY_KEY_LENGTH = 255
ORDER_NUMBER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Digits and letters that can't be taken for each other when read aloud or typed."""


@dataclass(frozen=True)
class Buyer:
    """Who orders. Make one with `check_buyer`, which gives both in their normal form."""

    email: str
    name: str

    def is_buyer_of(self, order_email: str) -> bool:
        """Whether an order with this address is theirs. The address alone decides: a name that was corrected between
        two tries is the same buyer. Its letters' case doesn't matter, as no mail provider goes by it."""
        return same_address(self.email) == same_address(order_email)


def same_address(email: str) -> str:
    """A form of an e-mail address that is equal for addresses that reach the same mailbox; also of addresses that were
    stored before they were normalised."""
    try:
        email = normal_address(email)
    except EmailNotValidError:
        email = email.strip()
    return email.casefold()


def normal_address(email: str) -> str:
    """The address in its normal form: NFC, the domain in small letters and in Unicode. Raises `EmailNotValidError`.

    Nothing is looked up in the DNS, which may be slow or away. Test domains are taken, so that a shop can be tried out.
    """
    return validate_email(email, check_deliverability=False, test_environment=True).normalized


def check_buyer(email: str, name: str) -> Buyer:
    """The buyer in normal form; raises `Invalid` with every field that can't be right and its reason."""
    email, faults = plain_address(email), []
    try:
        if len(email) > MAX_EMAIL_LENGTH:  # no need to read it all
            raise EmailNotValidError
        email = normal_address(email)
    except EmailNotValidError:
        faults.append(FieldError("email", email_fault(email)))
    controls, name = has_control(name), single_line(name)
    if fault := name_fault(name, controls):
        faults.append(FieldError("name", fault))
    if faults:
        raise Invalid(*faults)
    return Buyer(email, name)


def email_fault(email: str) -> str:
    """What to do about an address that was refused: the slips that people make by pasting, then the rest."""
    slips = (
        (not email, _("Please enter your email address.")),
        (
            len(email) > MAX_EMAIL_LENGTH,
            _("Your email address can't be longer than %(most)s characters.", most=MAX_EMAIL_LENGTH),
        ),
        (
            email.lower().startswith("mailto:"),
            _("Please enter only the address, without “mailto:”, for example name@example.com."),
        ),
        (
            "<" in email or ">" in email,
            _("Please enter only the address, without a name or angle brackets, for example name@example.com."),
        ),
        (
            email.count("@") > 1 or not {";", ","}.isdisjoint(email),
            _("Please enter only one address, without a comma or semicolon, for example name@example.com."),
        ),
    )
    usual = _("Please enter a valid email address, for example name@example.com.")
    return next((words for found, words in slips if found), usual)


def name_fault(name: str, controls: bool) -> str | None:
    """Why this is no name; None when it is one."""
    if controls:
        return _("Your name can't contain control characters.")
    if not has_visible(name):
        return _("Please enter your name.")
    if len(name) > MAX_NAME_LENGTH:
        return _("Your name can't be longer than %(most)s characters.", most=MAX_NAME_LENGTH)
    return None


def check_idempotency_key(idempotency_key: str | None) -> str | None:
    """The key as it was sent: 1 to 255 visible ASCII characters."""
    if idempotency_key is None:
        return None
    if not 0 < len(idempotency_key) <= MAX_IDEMPOTENCY_KEY_LENGTH or not re.fullmatch(
        IDEMPOTENCY_KEY_PATTERN, idempotency_key
    ):
        message = _(
            "The Idempotency-Key must be 1 to %(most)s printable ASCII characters long.",
            most=MAX_IDEMPOTENCY_KEY_LENGTH,
        )
        raise Invalid(FieldError("Idempotency-Key", message))
    return idempotency_key


def fingerprint(cart_id: str, buyer: Buyer, expected_total: int | None) -> str:
    """What a checkout asks for, as one hash: two requests with one key must agree on it."""
    parts = (cart_id, buyer.email, buyer.name, repr(expected_total))
    return sha256("\0".join(parts).encode()).hexdigest()


def check_same_request(found: str | None, asked: str) -> None:
    if found != asked:
        message = _("This Idempotency-Key was already used with a different request. Use a new key for a new order.")
        raise Invalid(FieldError("Idempotency-Key", message))


def check_not_empty(lines: Sequence[object]) -> None:
    if not lines:
        raise CartEmpty


def check_lines(digest: str, shown_digest: str | None) -> None:
    """Refuse when the shopper was shown other lines than those that would be ordered; None stands for no page."""
    if shown_digest is not None and shown_digest != digest:
        raise CartChanged


def check_price(price: Price, expected_total: int | None, currency: str) -> None:
    """Refuse when the shopper was shown another total, or relies on a promo code that ran out and hasn't seen the
    total without it."""
    if expected_total is not None and expected_total != price.total:
        raise PriceChanged(
            _("The total has changed. Please review your order and place it again."), price.total, currency
        )
    if price.promo_expired and expected_total is None:
        detail = _(
            "The promo code %(code)s has expired, so the total has changed. Please review your order and try again.",
            code=price.promo_code,
        )
        raise PriceChanged(detail, price.total, currency)


def new_order_number() -> str:
    """An order number for people, such as "K7QF-3M9T": random, so that it doesn't tell how much a shop sells."""
    signs = [secrets.choice(ORDER_NUMBER_ALPHABET) for _ in range(8)]
    return "".join(signs[:4]) + "-" + "".join(signs[4:])
