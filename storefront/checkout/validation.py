"""Validation of what a checkout sends, so that all that is wrong is said at once."""

from collections.abc import Mapping

from storefront.errors import FieldError, Invalid
from storefront.orders.validation import Buyer, check_buyer
from storefront.shipping.address import ADDRESS_FIELDS
from storefront.shipping.delivery import DeliveryRequest, check_delivery
from storefront.tenants.settings import TenantSettings


def check_checkout(tenant: TenantSettings, email: str, name: str, sent: DeliveryRequest) -> Buyer:
    """Return the buyer. Raises `Invalid` with a message for each field that is missing or invalid."""
    faults: list[FieldError] = []
    buyer = None
    try:
        buyer = check_buyer(email, name)
    except Invalid as refusal:
        faults += refusal.field_errors
    try:
        check_delivery(tenant, sent)
    except Invalid as refusal:
        faults += refusal.field_errors
    if buyer is None or faults:
        raise Invalid(*faults)
    return buyer


def delivery_in_form(form: Mapping[str, str]) -> DeliveryRequest:
    """Return what the page's form says about the delivery."""
    address = {name: form[name] for name in ADDRESS_FIELDS if name in form}
    method = form["shipping"].strip() if "shipping" in form else None
    vat_id, payment = (form.get(name, "").strip() or None for name in ("vat_id", "payment"))
    return DeliveryRequest(address or None, method, vat_id, payment)
