"""What the shop's shipping methods cost for a cart."""

from dataclasses import dataclass

from storefront.cart.queries import CartSnapshot
from storefront.pricing.price import Destination
from storefront.promotions.queries import used_up
from storefront.shipping.delivery import offered_methods
from storefront.tenants.settings import TenantSettings
from storefront.tenants.shipping_methods import ShippingMethod


@dataclass(frozen=True)
class ShippingOffer:
    """A method with its price for a cart, in minor units."""

    method: ShippingMethod
    price: int


def shipping_offers(
    tenant: TenantSettings, cart: CartSnapshot, country: str | None, reverse_charge: bool = False
) -> list[ShippingOffer]:
    """Return the methods that deliver this cart to a country, in the shop's order."""
    gone = used_up(tenant, cart.promo_code) if tenant.shipping else {}
    return [
        ShippingOffer(method, cart.price(tenant, Destination(country, method, reverse_charge), gone).shipping)
        for method in offered_methods(tenant.shipping, country, cart.weight)
    ]
