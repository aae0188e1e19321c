"""Validation of an order: buyer, idempotency key and fingerprint, cart lines, price; order numbers."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from email_validator import EmailNotValidError, validate_email

from storefront.errors import CartChanged, CartEmpty, FieldError, Invalid, PriceChanged
from storefront.i18n.email_addresses import is_mailable, not_mailable_text
from storefront.i18n.gettext import _
from storefront.i18n.unicode_text import INVISIBLE, has_control, has_visible, plain_address, single_line
from storefront.pricing.price import RAN_OUT, Price
from storefront.pricing.promotions import promo_message
from storefront.tenants.settings import TenantSettings

EMAIL_PATTERN = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$"
)
"""The ASCII addresses that `check_buyer` accepts, for the OpenAPI document."""
NAME_PATTERN = rf"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f{INVISIBLE}][^\x00-\x1f\x7f-\x9f]*$"
"""The names that `check_buyer` accepts, for the OpenAPI document."""
IDEMPOTENCY_KEY_PATTERN = r"^[\x20-\x7e]+$"
MAX_EMAIL_LENGTH = 254
MAX_NAME_LENGTH = 200
MAX_IDEMPOTENCY_KEY_LENGTH = 255
ORDER_NUMBER_LENGTH = 8
ORDER_NUMBER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Digits and letters that can't be confused when read aloud or typed."""


@dataclass(frozen=True)
class Buyer:
    """A buyer with normalised email and name. Create it with `check_buyer`."""

    email: str
    name: str

    def is_buyer_of(self, order_email: str) -> bool:
        """Whether an order with this email address is this buyer's. The name may differ, as it may be corrected between
        two attempts; the case of the address is ignored, as mail providers do."""
        return self.email == order_email or canonical_email(self.email) == canonical_email(order_email)


def canonical_email(email: str) -> str:
    """Return a form that is equal for addresses of the same mailbox, also for addresses stored before normalisation."""
    try:
        email = normalize_email(email)
    except EmailNotValidError:
        email = email.strip()
    return email.casefold()


def normalize_email(email: str) -> str:
    """Return the address in NFC, with a lowercase Unicode domain. Raises `EmailNotValidError`.

    No DNS lookup, which may be slow or unavailable. Test domains are accepted, so that a shop can be tried out.
    """
    return validate_email(email, check_deliverability=False, test_environment=True).normalized


def check_buyer(email: str, name: str) -> Buyer:
    """Return the normalised buyer. Raises `Invalid` with a message for each invalid field."""
    email, faults = plain_address(email), []
    try:
        if len(email) > MAX_EMAIL_LENGTH:  # skip parsing
            raise EmailNotValidError
        email = normalize_email(email)
        if not is_mailable(email):
            raise EmailNotValidError
    except EmailNotValidError:
        faults.append(FieldError("email", email_error(email)))
    controls, name = has_control(name), single_line(name)
    if fault := name_error(name, controls):
        faults.append(FieldError("name", fault))
    if faults:
        raise Invalid(*faults)
    return Buyer(email, name)


def email_error(email: str) -> str:
    """Return the message for an invalid address: first for common mistakes when pasting, then the general one."""
    common_mistakes = (
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
        (email.count("@") == 1 and not is_mailable(email), not_mailable_text()),
        (
            email.count("@") > 1 or not {";", ","}.isdisjoint(email),
            _("Please enter only one address, without a comma or semicolon, for example name@example.com."),
        ),
    )
    general = _("Please enter a valid email address, for example name@example.com.")
    return next((message for found, message in common_mistakes if found), general)


def name_error(name: str, controls: bool) -> str | None:
    """Return the message for an invalid name; None if it is valid."""
    if controls:
        return _("Your name can't contain control characters.")
    if not has_visible(name):
        return _("Please enter your name.")
    if len(name) > MAX_NAME_LENGTH:
        return _("Your name can't be longer than %(most)s characters.", most=MAX_NAME_LENGTH)
    return None


def check_idempotency_key(idempotency_key: str | None) -> str | None:
    """Return the key unchanged. Raises `Invalid` unless it has 1 to 255 printable ASCII characters."""
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


def fingerprint(cart_id: str, buyer: Buyer, expected_total: int | None, delivery: str = "") -> str:
    """Return a hash of a checkout request; requests with the same idempotency key must have the same fingerprint.
    `delivery` is what it says about that, empty for nothing."""
    parts = [cart_id, buyer.email, buyer.name, repr(expected_total)] + ([delivery] if delivery else [])
    return sha256("\0".join(parts).encode()).hexdigest()


def check_same_request(stored: str | None, current: str) -> None:
    """Compare two fingerprints. Raises `Invalid` if they differ."""
    if stored != current:
        message = _("This Idempotency-Key was already used with a different request. Use a new key for a new order.")
        raise Invalid(FieldError("Idempotency-Key", message))


def check_not_empty(lines: Sequence[object]) -> None:
    if not lines:
        raise CartEmpty


def check_lines(digest: str, shown_digest: str | None) -> None:
    """Raise `CartChanged` if the page showed other lines (`shown_digest`) than the cart has. None: not sent by a
    page."""
    if shown_digest is not None and shown_digest != digest:
        raise CartChanged


def check_price(tenant: TenantSettings, price: Price, expected_total: int | None) -> None:
    """Raise `PriceChanged` if the shopper saw another total, or if the promo code ran out and no total was sent."""
    ran_out = price.promo_problem in RAN_OUT
    if expected_total == price.total or (expected_total is None and not ran_out):
        return
    if price.promo_problem and expected_total is None:
        detail = _(
            "The code is still in your cart. Send expected_total %(total)s to order without it, or remove the code.",
            total=price.total,
        )
    else:
        detail = _("The total has changed. Please review your order and place it again.")
    if price.promo_problem and ran_out:
        detail = f"{promo_message(tenant, price.promo_code, price.promo_problem)} {detail}"
    raise PriceChanged(detail, price.total, tenant.currency)


def new_order_number() -> str:
    """Return a random order number such as "K7QF-3M9T", which doesn't reveal the number of orders."""
    return with_hyphen("".join(secrets.choice(ORDER_NUMBER_ALPHABET) for _ in range(ORDER_NUMBER_LENGTH)))


def with_hyphen(characters: str) -> str:
    return f"{characters[:4]}-{characters[4:]}"


def order_numbers_beginning_with(text: str) -> tuple[str, str] | None:
    """Return the lowest and the highest order number that begin with the text, in any spelling: "k7q", "K7QF 3M9T".

    None if it has fewer than two characters, as too many would, or if none does."""
    characters = re.sub(r"[\s-]", "", text).upper()
    if not 2 <= len(characters) <= ORDER_NUMBER_LENGTH or not set(characters) <= set(ORDER_NUMBER_ALPHABET):
        return None
    lowest, highest = (characters.ljust(ORDER_NUMBER_LENGTH, ORDER_NUMBER_ALPHABET[end]) for end in (0, -1))
    return with_hyphen(lowest), with_hyphen(highest)
