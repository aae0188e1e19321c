"""What rows and carts are called: ids that grow with time, and tokens that nobody guesses."""

import secrets
import time
from datetime import datetime

from storefront.i18n.unicode_text import without_unseen

EPOCH, RANDOM_BITS = 1_704_067_200_000, 22
"""What an id is made of: milliseconds since this moment of the Unix clock (2024), and so many random bits."""


def new_id() -> int:
    """A 63-bit id that grows with time (milliseconds since 2024, then 22 random bits), so that rows sort by age."""
    return (time.time_ns() // 1_000_000 - EPOCH) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)


def id_at(moment: datetime) -> int:
    """The lowest id that could be made at this moment."""
    return (round(moment.timestamp() * 1000) - EPOCH) << RANDOM_BITS


def new_token() -> str:
    """128 unguessable bits as 22 characters that are safe in an address."""
    return secrets.token_urlsafe(16)


def pasted_id(text: str) -> str:
    """An id without the unseen characters that come along when an address is copied from a mail. Else ids are exact."""
    return text if text.isascii() else without_unseen(text).strip("\u00a0\u3000")


def is_id(text: str) -> bool:
    """Whether a text from outside can be the id of anything; what can't is not even asked for."""
    return 0 < len(text) <= 64 and text.isascii() and text.isprintable()
