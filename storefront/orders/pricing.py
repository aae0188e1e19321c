"""The price of an order at its checkout, with the use of a limited promotion."""

from collections.abc import Sequence
from typing import Any

from storefront.clock import now
from storefront.orders.validation import canonical_email
from storefront.pricing.calculator import calculate_price
from storefront.pricing.price import Destination, LinePrice, Price, PriceLine, PromoProblem
from storefront.promotions.actions import claim_use, lock_usages, record_use
from storefront.promotions.queries import candidates, used_up, uses_of_customer
from storefront.staff.secrets import digest
from storefront.tenants.promotions import Promotion
from storefront.tenants.settings import TenantSettings


def customer_digest(email: str) -> str:
    """Return what stands for a customer in `promotion_use`: equal for addresses of the same mailbox."""
    return digest("promotion-customer", canonical_email(email))


def price_order(
    tenant: TenantSettings, lines: Sequence[PriceLine], promo_code: str | None, to: Destination, email: str
) -> tuple[Price, Promotion | None]:
    """Return the price, and the limited promotion of which a use was counted, inside `write()`.

    A promotion that turns out to be used up gives nothing, and the price is calculated without it."""
    lock_usages(tenant, promo_code)
    unavailable: dict[str, PromoProblem] = {}
    while True:
        price = calculate_price(tenant, lines, promo_code, now(), to, unavailable)
        promotion = tenant.promotion(price.applied_code) if price.applied_code else None
        if promotion is None or not promotion.is_counted:
            return price, None
        problem = claim_use(promotion, customer_digest(email))
        if problem is None:
            return price, promotion
        unavailable[promotion.code] = problem


def record_promotion(promotion: Promotion | None, email: str, order_id: str) -> None:
    if promotion:
        record_use(promotion, customer_digest(email), order_id)


def unavailable_to(tenant: TenantSettings, promo_code: str | None, email: str) -> dict[str, PromoProblem]:
    """Return which promotions can't be used any more, in all or by this customer, for a page before the order."""
    found = used_up(tenant, promo_code)
    for offer in candidates(tenant, promo_code):
        most = offer.per_customer
        if not email or most is None or offer.code in found:
            continue
        if uses_of_customer(offer.code, customer_digest(email)) >= most:
            found[offer.code] = PromoProblem.USED_BY_CUSTOMER
    return found


def price_columns(price: Price) -> dict[str, Any]:
    """Return what an order stores of its price."""
    return {
        "promo_code": price.applied_code,
        "subtotal": price.subtotal,
        "discount": price.discount,
        "shipping": price.shipping,
        "tax": price.tax,
        "shipping_tax": price.shipping_tax,
        "tax_rate": str(price.tax_rate) if price.tax_rate is not None else None,
        "tax_included": price.tax_included,
        "tax_lines": [line.as_json() for line in price.tax_lines] or None,
        "reverse_charge": price.reverse_charge,
        "total": price.total,
    }


def line_columns(line: LinePrice) -> dict[str, Any]:
    """Return what an order line stores of its price."""
    return {
        "unit_price": line.unit_price,
        "quantity": line.quantity,
        "discount": line.discount,
        "tax": line.tax,
        "tax_rate": None if line.tax_rate is None else f"{line.tax_rate.normalize():f}",
    }
