"""Who is shown suggestions, and what that earned."""

from hashlib import sha256

CONTROL, RULES, MODEL = "control", "rules", "model"


def arm_of(tenant_id: str, shopper: str, holdout: float, model_configured: bool) -> str:
    """Which arm of the experiment a shopper is in, always the same one: a share of `holdout` sees no suggestions."""
    digest = sha256(f"{tenant_id}\0{shopper}".encode()).digest()
    if int.from_bytes(digest[:8], "big") / 2**64 < holdout:
        return CONTROL
    return MODEL if model_configured else RULES
