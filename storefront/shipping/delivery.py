"""What a checkout says about the delivery and the payment, checked by the shop's settings."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.pricing.price import Destination
from storefront.shipping.address import Address, check_address
from storefront.shipping.vat import is_reverse_charged, normalize_vat_id
from storefront.tenants.settings import TenantSettings
from storefront.tenants.shipping_methods import ShippingMethod, default_method


@dataclass(frozen=True)
class DeliveryRequest:
    """What was sent: `method` and `payment` are ids. All may be missing. An empty `method` is that of a form in which
    none was chosen."""

    address: Mapping[str, str] | None = None
    method: str | None = None
    vat_id: str | None = None
    payment: str | None = None

    def fingerprint(self) -> str:
        """Return a text that differs for different requests; empty if nothing was sent."""
        sent = {"method": self.method, "vat_id": self.vat_id, "payment": self.payment}
        given = {name: value for name, value in sent.items() if value}
        if self.address:
            given["address"] = json.dumps(dict(self.address), sort_keys=True)
        return json.dumps(given, sort_keys=True) if given else ""


NOTHING_SENT = DeliveryRequest()


@dataclass(frozen=True)
class Delivery:
    """A checked `DeliveryRequest`. A shop without shipping methods has no `method`; an address may be missing if it
    isn't needed."""

    method: ShippingMethod | None = None
    address: Address | None = None
    vat_id: str | None = None
    payment: str | None = None
    reverse_charge: bool = False

    @property
    def destination(self) -> Destination:
        country = self.address.country if self.address else None
        return Destination(country, self.method, self.reverse_charge)


def check_delivery(tenant: TenantSettings, sent: DeliveryRequest) -> Delivery:
    """Return the delivery. Raises `Invalid` with a message for each field that is missing or invalid; the fields of the
    address are named `address.city`."""
    method, faults = check_method(tenant, sent.method)
    address, address_faults = check_sent_address(sent, method)
    faults += address_faults
    if method and address and not address_faults and not method.delivers_to(address.country):
        faults.append(FieldError("shipping", other_country_message(method)))
    vat_id = normalize_vat_id(sent.vat_id) if sent.vat_id else None
    if sent.vat_id and vat_id is None:
        faults.append(FieldError("vat_id", invalid_vat_id_message()))
    if faults:
        raise Invalid(*faults)
    is_sent = address is not None and not (method and method.pickup)
    destination = address.country if address and is_sent else None
    reverse_charge = is_reverse_charged(vat_id, destination, tenant.country)
    return Delivery(method, address if is_sent else None, vat_id, sent.payment, reverse_charge)


def check_method(tenant: TenantSettings, method_id: str | None) -> tuple[ShippingMethod | None, list[FieldError]]:
    """Return the method with this id, by default the shop's default method, and what is wrong with the choice."""
    if method_id:
        method = tenant.shipping_method(method_id)
        return method, [] if method else [FieldError("shipping", _("This shipping method isn't available."))]
    chosen = default_method(tenant.shipping) if method_id is None else None
    is_missing = bool(tenant.shipping) and chosen is None
    return chosen, [FieldError("shipping", _("Please choose a shipping method."))] if is_missing else []


def check_sent_address(sent: DeliveryRequest, method: ShippingMethod | None) -> tuple[Address | None, list[FieldError]]:
    """Return the address, if there is one, and what is wrong with it. A pick-up needs none."""
    if method and method.pickup:
        return None, []
    if sent.address is None:
        needed = method is not None
        return None, [FieldError("address", _("Please enter the address to deliver to."))] if needed else []
    address, faults = check_address(sent.address)
    return address, [FieldError(f"address.{fault.field}", fault.message) for fault in faults]


def offered_methods(methods: Sequence[ShippingMethod], country: str | None, weight: int) -> Iterable[ShippingMethod]:
    """Return the methods that deliver goods of this weight, in grams, to a country."""
    return (method for method in methods if method.delivers_to(country) and method.carries(weight))


def check_weight(method: ShippingMethod | None, weight: int) -> None:
    """Raise `Invalid` if the method doesn't carry goods of this weight, in grams."""
    if method and not method.carries(weight):
        raise Invalid(FieldError("shipping", too_heavy_message(method)))


def invalid_vat_id_message() -> str:
    return _("Please enter a valid EU VAT ID, for example %(example)s.", example="DE136695976")


def other_country_message(method: ShippingMethod) -> str:
    return _("%(method)s isn't available for this country.", method=method.localized_name())


def too_heavy_message(method: ShippingMethod) -> str:
    return _("Your order is too heavy for %(method)s. Please choose another.", method=method.localized_name())
