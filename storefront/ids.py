"""Ids: numeric ids that grow with time, and unguessable tokens."""

import secrets
import time
from datetime import datetime

from storefront.i18n.unicode_text import without_unseen

EPOCH, RANDOM_BITS = 1_704_067_200_000, 22
"""Parts of a numeric id: milliseconds since this Unix time (in ms, 2024), and this number of random bits."""


def new_id() -> int:
    """Return a 63-bit id that grows with time (milliseconds since 2024, then 22 random bits), so that rows sort by
    age."""
    return (time.time_ns() // 1_000_000 - EPOCH) << RANDOM_BITS | secrets.randbits(RANDOM_BITS)


def id_at(moment: datetime) -> int:
    """Return the lowest id of this moment."""
    return (round(moment.timestamp() * 1000) - EPOCH) << RANDOM_BITS


def new_token() -> str:
    """Return 128 random bits as 22 URL-safe characters."""
    return secrets.token_urlsafe(16)


def pasted_id(text: str) -> str:
    """Remove invisible characters, which are copied along with a URL from an email. Ids are otherwise exact."""
    return text if text.isascii() else without_unseen(text).strip("\u00a0\u3000")


def is_id(text: str) -> bool:
    """Whether a client's text can be an id; others need no query."""
    return 0 < len(text) <= 64 and text.isascii() and text.isprintable()
