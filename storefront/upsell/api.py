"""Suggestions in the JSON API."""

from typing import Annotated

from pydantic import Field

from storefront.cart.queries import load_cart
from storefront.catalog.api import Product
from storefront.i18n.locale import shopper_language
from storefront.tenants.context import current_tenant
from storefront.upsell.actions import UpsellResult, suggest
from storefront.upsell.experiment.assignment import Arm
from storefront.upsell.types import SuggestionSource
from storefront.web.openapi import ResponseModel, api_blueprint, responses, spec
from storefront.web.rate_limits import UPSELL_LIMIT, limiter

api = api_blueprint("upsell_api", __name__)


class Suggestion(ResponseModel):
    product: Product
    explanation: str


class Upsell(ResponseModel):
    enabled: bool
    arm: Annotated[str | None, Field(json_schema_extra={"enum": [*Arm, None]})]
    source: Annotated[str | None, Field(json_schema_extra={"enum": [*SuggestionSource, None]})]
    suggestions: list[Suggestion]
    call_id: str | None

    @classmethod
    def of(cls, upsell: UpsellResult) -> "Upsell":
        return cls.model_construct(
            enabled=upsell.enabled,
            arm=upsell.arm,
            source=upsell.source,
            suggestions=[
                Suggestion.model_construct(product=Product.of(one.product), explanation=one.explanation)
                for one in upsell.suggestions
            ],
            call_id=upsell.call_id,
        )


@api.get("/carts/<cart_id>/upsell")
@limiter.limit(UPSELL_LIMIT)
@spec.validate(resp=responses(200, Upsell, 404), tags=["suggestions"])
def get_upsell(cart_id: str) -> Upsell:
    """At most three products that go with the cart, and why."""
    return Upsell.of(suggest(current_tenant(), load_cart(cart_id), shopper_language()))
