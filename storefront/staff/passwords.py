"""Passwords: which ones are allowed, and their hashes by argon2."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from storefront.errors import DatabaseBusy
from storefront.i18n.gettext import _

MIN_PASSWORD_LENGTH, MAX_PASSWORD_LENGTH = 10, 128
"""Characters."""
COMMON_PASSWORDS = Path(__file__).with_name("common_passwords.txt")
"""Case-folded, those that are long enough. From Django's list (BSD licence), made by Royce Williams."""
MAX_HASHES_AT_A_TIME = 2
"""Per process. Each takes 19 MiB and 20 ms of a processor."""
HASH_TIMEOUT_SECONDS = 10.0

hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
"""OWASP's lower setting: argon2id with 19 MiB and 2 passes. The library's default of 64 MiB, times the threads of a
process, would exhaust a small machine."""
_slots = BoundedSemaphore(MAX_HASHES_AT_A_TIME)


@contextmanager
def hash_slot() -> Iterator[None]:
    """Wait for a slot. Raises `DatabaseBusy` (503) when that takes too long."""
    if not _slots.acquire(timeout=HASH_TIMEOUT_SECONDS):
        raise DatabaseBusy
    try:
        yield
    finally:
        _slots.release()


def normalize_password(password: str) -> str:
    """Return the form that is hashed, which is the same for all keyboards (NFKC)."""
    return unicodedata.normalize("NFKC", password)


def hash_password(password: str) -> str:
    with hash_slot():
        return hasher.hash(normalize_password(password))


def is_password(password: str, password_hash: str | None) -> bool:
    """Whether the password is the one of the hash. Takes as long without a hash, so that the time doesn't tell which
    accounts there are."""
    password = normalize_password(password)[:MAX_PASSWORD_LENGTH]
    with hash_slot():
        try:
            return hasher.verify(password_hash or _hash_of_nobody(), password) and password_hash is not None
        except (VerificationError, InvalidHashError):
            return False


@cache
def _hash_of_nobody() -> str:
    return hasher.hash("no password has this hash")


def password_error(password: str, *personal: str) -> str | None:
    """Return why the password isn't allowed; None if it is. `personal` are the person's email and name."""
    password = normalize_password(password)
    if len(password) < MIN_PASSWORD_LENGTH:
        return _("Please choose a password of at least %(least)s characters.", least=MIN_PASSWORD_LENGTH)
    if len(password) > MAX_PASSWORD_LENGTH:
        return _("Please choose a password of at most %(most)s characters.", most=MAX_PASSWORD_LENGTH)
    folded = password.casefold()
    if folded in common_passwords() or len(set(folded)) < 3:
        return _("This password is too common. Please choose another one.")
    if folded in {text.casefold() for text in personal}:
        return _("Please choose a password that isn't your name or email address.")
    return None


@cache
def common_passwords() -> frozenset[str]:
    return frozenset(COMMON_PASSWORDS.read_text(encoding="utf-8").splitlines())
