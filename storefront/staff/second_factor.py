"""The second factor: one-time codes by time (TOTP) of an authenticator app, and recovery codes."""

import re
import secrets

import pyotp
import segno

from storefront.clock import now
from storefront.staff.secrets import decrypt, encrypt

PURPOSE = "totp"
STEP_SECONDS = 30
ACCEPTED_STEPS = (0, -1, 1)
"""Steps from now whose codes are accepted: clocks differ, and typing takes a while."""
RECOVERY_CODES = 10
RECOVERY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without characters that look alike."""


def new_totp_secret() -> str:
    """Return a new secret, encrypted."""
    return encrypt(PURPOSE, pyotp.random_base32())


def matching_step(encrypted: str, code: str, last_step: int | None) -> int | None:
    """Return the time step of a valid code that is later than `last_step`; None if the code isn't valid."""
    code = re.sub(r"\s", "", code)
    totp, current = pyotp.TOTP(decrypt(PURPOSE, encrypted)), int(now().timestamp()) // STEP_SECONDS
    for offset in ACCEPTED_STEPS:
        step = current + offset
        if step > (last_step or 0) and secrets.compare_digest(totp.generate_otp(step).encode(), code.encode()):
            return step
    return None


def typed_secret(encrypted: str) -> str:
    """Return the secret in groups of four characters, for typing it into an app."""
    return " ".join(re.findall(r".{1,4}", decrypt(PURPOSE, encrypted)))


def qr_code(encrypted: str, email: str, shop_name: str) -> str:
    """Return an SVG element of the QR code that an authenticator app scans."""
    uri = pyotp.TOTP(decrypt(PURPOSE, encrypted)).provisioning_uri(name=email, issuer_name=shop_name)
    return str(segno.make(uri, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True))


def new_recovery_codes() -> list[str]:
    """Return new codes such as "k7m2x-9qwer": 49 random bits each."""
    words = ["".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(10)) for _ in range(RECOVERY_CODES)]
    return [f"{word[:5]}-{word[5:]}" for word in words]


def plain_recovery_code(typed: str) -> str:
    """Return a typed code without spaces and hyphens, in lower case."""
    return re.sub(r"[\s-]", "", typed).lower()
