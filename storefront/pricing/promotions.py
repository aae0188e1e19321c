"""Which promotion applies, and what is wrong with a code that doesn't."""

from collections.abc import Mapping
from datetime import datetime

from storefront.errors import FieldError, Invalid
from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import _
from storefront.money import percentage_of
from storefront.pricing.price import PromoProblem
from storefront.tenants.promotions import Promotion
from storefront.tenants.settings import TenantSettings

Unavailable = Mapping[str, PromoProblem]
"""Codes that can't be used any more, by what the database says of their uses."""
ALL_AVAILABLE: Unavailable = {}


def problem_of(
    tenant: TenantSettings, promotion: Promotion | None, subtotal: int, now: datetime, unavailable: Unavailable
) -> PromoProblem | None:
    """Return why a promotion gives nothing for this subtotal (minor units); None if it does."""
    if promotion is None:
        return PromoProblem.UNKNOWN
    if promotion.expired(now, tenant.timezone):
        return PromoProblem.EXPIRED
    if promotion.not_started(now, tenant.timezone):
        return PromoProblem.NOT_STARTED
    if promotion.code in unavailable:
        return unavailable[promotion.code]
    return PromoProblem.MIN_SUBTOTAL if subtotal < promotion.min_subtotal else None


def discount_of(promotion: Promotion | None, subtotal: int) -> int:
    """Return what a promotion takes off the subtotal, never more than all of it; percentages are rounded half up."""
    if promotion is None:
        return 0
    if promotion.amount is not None:
        return min(promotion.amount, subtotal)
    return percentage_of(subtotal, promotion.percent) if promotion.percent is not None else 0


def usable_promotion(
    tenant: TenantSettings,
    code: str,
    now: datetime,
    subtotal: int | None = None,
    unavailable: Unavailable = ALL_AVAILABLE,
) -> Promotion:
    """Return the promotion of a typed code. Raises `Invalid` if it is unknown, or with the condition that isn't met;
    without a subtotal, its minimum isn't checked."""
    promotion = tenant.promotion(code)
    if promotion is None:
        raise Invalid(FieldError("code", _("This promo code isn't valid.")))
    amount = promotion.min_subtotal if subtotal is None else subtotal
    if problem := problem_of(tenant, promotion, amount, now, unavailable):
        raise Invalid(FieldError("code", promo_message(tenant, promotion.code, problem)))
    return promotion


def promo_message(tenant: TenantSettings, code: str | None, problem: PromoProblem) -> str:
    """Return a sentence for the shopper."""
    promotion = tenant.promotion(code or "")
    match problem:
        case PromoProblem.NOT_STARTED:
            return _("The promo code %(code)s isn't valid yet.", code=code)
        case PromoProblem.MIN_SUBTOTAL:
            least = format_money(promotion.min_subtotal if promotion else 0)
            return _("The promo code %(code)s is for orders of %(amount)s or more.", code=code, amount=least)
        case PromoProblem.USED_UP:
            return _("The promo code %(code)s has been used up.", code=code)
        case PromoProblem.USED_BY_CUSTOMER:
            return _("You've already used the promo code %(code)s.", code=code)
    return _("The promo code %(code)s has expired.", code=code)
