"""Reads of the uses of limited promotions."""

from collections.abc import Iterator, Sequence

from sqlalchemy import bindparam, func, select

from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.pricing.price import PromoProblem
from storefront.promotions.models import PromotionUsage, PromotionUse
from storefront.tenants.promotions import Promotion
from storefront.tenants.settings import TenantSettings

usages, uses = table_of(PromotionUsage), table_of(PromotionUse)
SELECT_USED = tenant_scoped(
    select(usages.c.code, usages.c.used).where(usages.c.code.in_(bindparam("codes", expanding=True)))
)
COUNT_USES_OF_CUSTOMER = tenant_scoped(
    select(func.count())
    .select_from(uses)
    .where(uses.c.code == bindparam("code"), uses.c.customer == bindparam("customer"))
)


def used_up(tenant: TenantSettings, code: str | None) -> dict[str, PromoProblem]:
    """Return which of the promotions that may apply to a cart with this code have reached their limit. Reads nothing
    unless one of them is limited."""
    limits = {offer.code: offer.limit for offer in candidates(tenant, code) if offer.limit is not None}
    if not limits:
        return {}
    rows = execute(SELECT_USED, {"codes": list(limits)})
    return {row.code: PromoProblem.USED_UP for row in rows if row.used >= limits[row.code]}


def counted_uses(codes: Sequence[str]) -> dict[str, int]:
    """Return how often each of these limited promotions is used, as its limit counts."""
    if not codes:
        return {}
    found = {row.code: row.used for row in execute(SELECT_USED, {"codes": list(codes)})}
    return {code: found.get(code, 0) for code in codes}


def candidates(tenant: TenantSettings, code: str | None) -> Iterator[Promotion]:
    """Yield the code's promotion and the automatic ones."""
    wanted = tenant.promotion(code) if code else None
    return (offer for offer in tenant.promotions if offer.automatic or offer is wanted)


def uses_of_customer(code: str, customer: str) -> int:
    """Return how many orders of this customer, given as a digest, have used the promotion."""
    return int(execute(COUNT_USES_OF_CUSTOMER, {"code": code, "customer": customer}).scalar_one())
