"""Price calculation in named steps: subtotal, minus discount, plus tax, is the total. The only place that adds
amounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.money import percentage_of, tax_included_in
from storefront.tenants.settings import Promotion, TenantSettings


@dataclass(frozen=True)
class Price:
    """Amounts in minor units. With `tax_included`, prices contain the tax: `tax` is informational and not added."""

    subtotal: int
    discount: int
    tax: int
    total: int
    tax_rate: Decimal | None = None
    tax_included: bool = False
    promo_code: str | None = None
    promo_expired: bool = False


def calculate_price(tenant: TenantSettings, line_totals: Iterable[int], promo_code: str | None, now: datetime) -> Price:
    """Calculate the price of these line totals (minor units) at the time `now`; each step rounds half up.

    An expired or unknown code gives no discount and sets `promo_expired`."""
    subtotal = sum(line_totals)
    promotion = tenant.promotion(promo_code) if promo_code else None
    is_valid = promotion is not None and not promotion.expired(now, tenant.timezone)
    discount = percentage_of(subtotal, promotion.percent) if promotion and is_valid else 0
    net = subtotal - discount
    tax, included, rate = 0, False, None
    if tenant.tax:
        included, rate = tenant.tax.included, tenant.tax.rate
        tax = tax_included_in(net, rate) if included else percentage_of(net, rate)
    return Price(
        subtotal=subtotal,
        discount=discount,
        tax=tax,
        total=net if included else net + tax,
        tax_rate=rate,
        tax_included=included,
        promo_code=promo_code,
        promo_expired=bool(promo_code) and not is_valid,
    )


def usable_promotion(tenant: TenantSettings, code: str, now: datetime) -> Promotion:
    """Return the promotion of a typed code. Raises `Invalid` if it is unknown or expired."""
    promotion = tenant.promotion(code)
    if promotion is None:
        raise Invalid(FieldError("code", _("This promo code isn't valid.")))
    if promotion.expired(now, tenant.timezone):
        raise Invalid(FieldError("code", _("The promo code %(code)s has expired.", code=promotion.code)))
    return promotion
