"""What it takes to place an order."""

import re
import secrets
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from storefront.errors import CartChanged, CartEmpty, Fault, Invalid, PriceChanged
from storefront.languages.words import _
from storefront.pricing.rules import Price

EMAIL = r"^[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f.]+(\.[^@\s\x00-\x1f\x7f.]+)+$"
NAME = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
"""What `check_buyer` takes for a name, for the document of the API."""
KEY = r"^[\x20-\x7e]+$"
LONGEST_EMAIL = 254
LONGEST_NAME = 200
LONGEST_KEY = 255
ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Digits and letters that can't be taken for each other when read aloud or typed."""


@dataclass(frozen=True)
class Buyer:
    """Who orders, as they wrote it; make one with `check_buyer`."""

    email: str
    name: str


def check_buyer(email: str, name: str) -> Buyer:
    """The buyer, trimmed; refuses every field that can't be right, each with its reason."""
    email, name = email.strip(), " ".join(name.split())
    faults = []
    if not email:
        faults.append(Fault("email", _("Please enter your e-mail address.")))
    elif len(email) > LONGEST_EMAIL or not re.fullmatch(EMAIL, email):
        faults.append(Fault("email", _("This doesn't look like an e-mail address: name@example.com.")))
    if not name:
        faults.append(Fault("name", _("Please enter your name.")))
    elif len(name) > LONGEST_NAME:
        faults.append(Fault("name", _("A name has at most %(most)s characters.", most=LONGEST_NAME)))
    elif any(unicodedata.category(sign) in ("Cc", "Cs") for sign in name):
        faults.append(Fault("name", _("A name can't contain control characters.")))
    if faults:
        raise Invalid(*faults)
    return Buyer(email, name)


def check_key(idempotency_key: str | None) -> str | None:
    """The key as it was sent: 1 to 255 visible ASCII characters."""
    if idempotency_key is None:
        return None
    if not 0 < len(idempotency_key) <= LONGEST_KEY or not re.fullmatch(KEY, idempotency_key):
        message = f"An Idempotency-Key has 1 to {LONGEST_KEY} printable ASCII characters."
        raise Invalid(Fault("Idempotency-Key", message))
    return idempotency_key


def fingerprint(cart_id: str, buyer: Buyer, expected_total: int | None) -> str:
    """What a checkout asks for, as one hash: two requests with one key must agree on it."""
    parts = (cart_id, buyer.email, buyer.name, repr(expected_total))
    return sha256("\0".join(parts).encode()).hexdigest()


def check_same_request(found: str | None, asked: str) -> None:
    if found != asked:
        message = "This Idempotency-Key came before with another request. Use a new key for a new order."
        raise Invalid(Fault("Idempotency-Key", message))


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
            _("The total has changed since you last saw it. Nothing was ordered."), price.total, currency
        )
    if price.promo_expired and expected_total is None:
        detail = _("The promo code %(code)s has expired. Nothing was ordered.", code=price.promo_code)
        raise PriceChanged(detail, price.total, currency)


def new_number() -> str:
    """An order number for people, such as "K7QF-3M9T": random, so that it doesn't tell how much a shop sells."""
    signs = [secrets.choice(ALPHABET) for _ in range(8)]
    return "".join(signs[:4]) + "-" + "".join(signs[4:])
