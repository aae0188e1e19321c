"""Uses of limited promotions: counted when an order is placed, given back when it is cancelled. All run inside the
order's `write()`."""

from sqlalchemy import bindparam, delete, select, update

from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_rows, tenant_scoped, upsert
from storefront.pricing.price import PromoProblem
from storefront.promotions.models import PromotionUsage, PromotionUse
from storefront.promotions.queries import candidates, uses_of_customer
from storefront.tenants.promotions import Promotion
from storefront.tenants.settings import TenantSettings

usages, uses = table_of(PromotionUsage), table_of(PromotionUse)
LOCK_USAGES = tenant_scoped(
    select(usages.c.code)
    .where(usages.c.code.in_(bindparam("codes", expanding=True)))
    .order_by(usages.c.code)
    .with_for_update()
)
GIVE_BACK = tenant_scoped(
    update(usages).where(usages.c.code == bindparam("promotion"), usages.c.used > 0).values(used=usages.c.used - 1)
)
DELETE_USE = tenant_scoped(delete(uses).where(uses.c.order_id == bindparam("order")).returning(uses.c.code))


def lock_usages(tenant: TenantSettings, promo_code: str | None) -> None:
    """Lock the promotions of which uses may be counted for a cart with this code, if there are several: which one is
    tried first depends on the cart, and two orders that lock them in opposite orders would deadlock."""
    codes = [offer.code for offer in candidates(tenant, promo_code) if offer.is_counted]
    if len(codes) > 1:
        execute(LOCK_USAGES, {"codes": codes}).all()


def claim_use(promotion: Promotion, customer: str) -> PromoProblem | None:
    """Count a use of a limited promotion by this customer, a digest. Return why it can't be used, and count nothing.

    The row of the promotion stays locked until the transaction ends, so that the uses of the customer can't change
    meanwhile."""
    counted = upsert(
        PromotionUsage,
        {"code": promotion.code, "used": 1},
        lambda _: {"used": usages.c.used + 1},
        None if promotion.limit is None else usages.c.used < promotion.limit,
    )
    if not counted:
        return PromoProblem.USED_UP
    if promotion.per_customer is not None and uses_of_customer(promotion.code, customer) >= promotion.per_customer:
        execute(GIVE_BACK, {"promotion": promotion.code})
        return PromoProblem.USED_BY_CUSTOMER
    return None


def record_use(promotion: Promotion, customer: str, order_id: str) -> None:
    """Record by which order a use was made that `claim_use` has counted."""
    insert_rows(PromotionUse, [{"order_id": order_id, "code": promotion.code, "customer": customer}])


def give_back_use(order_id: str) -> None:
    """Give back the use of an order that is cancelled; again does nothing."""
    code = execute(DELETE_USE, {"order": order_id}).scalar_one_or_none()
    if code is not None:
        execute(GIVE_BACK, {"promotion": code})
