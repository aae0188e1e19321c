"""Assigns shoppers to the arms of the experiment; the control arm is the hold-out."""

from enum import StrEnum
from functools import lru_cache
from hashlib import sha256


class Arm(StrEnum):
    """A group of shoppers, by what is suggested to them: nothing, the rules' choice, or the model's."""

    CONTROL = "control"
    RULES = "rules"
    MODEL = "model"


@lru_cache(64)
def allocation(holdout: float, model_configured: bool) -> dict[Arm, float]:
    """The share of shoppers by arm; arms without any are left out. With a model, the rules get as many shoppers as
    control, but at most half of the rest, so that the two can be compared. A hold-out of 0 turns the experiment off."""
    shown = Arm.MODEL if model_configured else Arm.RULES
    parts = {Arm.CONTROL: holdout}
    if model_configured and holdout:
        parts[Arm.RULES] = min(holdout, (1 - holdout) / 2)
    parts[shown] = 1 - sum(parts.values())
    return {arm: round(part, 9) for arm, part in parts.items() if part > 0}


def arm_of(tenant_id: str, shopper: str, holdout: float, model_configured: bool) -> Arm:
    """The arm of a shopper, always the same one. Control is the low end of the hash's range and, beside a model, the
    rules are the high end: a larger `holdout` takes shoppers from the model only, until the rules shrink."""
    digest = sha256(f"{tenant_id}\0{shopper}".encode()).digest()
    place = (int.from_bytes(digest[:8], "big") >> 11) / 2**53
    split = allocation(holdout, model_configured)
    if place < split.get(Arm.CONTROL, 0):
        return Arm.CONTROL
    return Arm.MODEL if Arm.MODEL in split and place < 1 - split.get(Arm.RULES, 0) else Arm.RULES
