"""Secrets of staff: digests of tokens, and encryption of what must be read again. All keys come from SECRET_KEY."""

import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING

from storefront.state import current_state

if TYPE_CHECKING:
    from cryptography.fernet import Fernet


@lru_cache(maxsize=64)
def _derived_key(secret_key: str, purpose: str) -> bytes:
    return hmac.digest(secret_key.encode(), f"storefront-staff:{purpose}".encode(), "sha256")


def derived_key(purpose: str) -> bytes:
    """Return 32 bytes that only this installation has, others for each purpose."""
    return _derived_key(current_state().settings.secret_key, purpose)


def digest(purpose: str, token: str) -> str:
    """Return the HMAC-SHA256 of a token, in hex. Who reads it in the database can't use it."""
    return hmac.new(derived_key(purpose), token.encode(), sha256).hexdigest()


def encrypt(purpose: str, text: str) -> str:
    return _cipher(purpose).encrypt(text.encode()).decode()


def decrypt(purpose: str, encrypted: str) -> str:
    """Return the text. Raises `cryptography.fernet.InvalidToken` if SECRET_KEY has changed since."""
    return _cipher(purpose).decrypt(encrypted.encode()).decode()


def _cipher(purpose: str) -> "Fernet":
    """Imported here: only people with a second factor need it, and it takes several megabytes."""
    from cryptography.fernet import Fernet  # noqa: PLC0415

    return Fernet(urlsafe_b64encode(derived_key(purpose)))
