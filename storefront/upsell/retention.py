"""What is removed of suggestions, and when. All tables keep their rows for the same time, because the experiment's
report joins them."""

from sqlalchemy import select

from storefront.cart.queries import carts
from storefront.db.base import table_of
from storefront.db.expiry import by_age
from storefront.db.tenancy import tenant_scoped
from storefront.upsell.experiment.models import UpsellExposure
from storefront.upsell.llm.models import LlmCall, LlmResponseCache, LlmUsage
from storefront.upsell.models import UpsellImpression

calls, impressions, responses = table_of(LlmCall), table_of(UpsellImpression), table_of(LlmResponseCache)
exposures, usage = table_of(UpsellExposure), table_of(LlmUsage)

RULES = (
    by_age(exposures.c.cart_id, exposures.c.created_at),
    by_age(calls.c.id, calls.c.sort_id),
    by_age(impressions.c.id, impressions.c.sort_id),
    by_age(responses.c.key, responses.c.requested_at),
    by_age(usage.c.day, usage.c.day),
)
IS_IN_THE_REPORT = (
    tenant_scoped(select(exposures.c.cart_id).where(exposures.c.cart_id == carts.c.id)).correlate(carts).exists()
)
"""Whether a cart counts in the experiment. Its report reads the accepted suggestions from the cart's lines."""
