"""Which payment provider stands behind a method, and which methods of the shop can be used."""

from functools import cache
from typing import TYPE_CHECKING

from flask import request

from storefront.orders.payment_choice import NO_PAYMENT, PaymentChoice
from storefront.orders.payment_models import PaymentMethod
from storefront.payments.manual import BankTransfer, OnDelivery
from storefront.payments.provider import PaymentProvider, ProviderUnavailable
from storefront.payments.settings import ShopPaymentSettings, StripeKeys, load_settings
from storefront.payments.stripe_amounts import amount_fault
from storefront.state import current_state
from storefront.tenants.settings import TenantSettings
from storefront.web.absolute_urls import trusted_root

if TYPE_CHECKING:
    from storefront.payments.stripe_provider import StripeProvider

STRIPE_PAGES = "https://checkout.stripe.com"
"""Where Stripe's pages are."""


def provider_of(method: str) -> PaymentProvider:
    """Return the provider of the current shop's method. Raises `ProviderUnavailable` without keys for it."""
    if method == PaymentMethod.STRIPE:
        keys = load_settings().stripe
        if keys is None:
            raise ProviderUnavailable("the shop has no Stripe key")
        return stripe_provider(keys)
    return MANUAL[PaymentMethod(method)]


MANUAL = {PaymentMethod.BANK_TRANSFER: BankTransfer(), PaymentMethod.ON_DELIVERY: OnDelivery()}


def stripe_provider(keys: StripeKeys) -> "StripeProvider":
    from storefront.payments.stripe_provider import StripeProvider  # noqa: PLC0415 - the library takes 22 MB

    state = current_state()
    return StripeProvider(keys, state.settings.stripe_api_base, state.payment_gate)


def payment_choice(tenant: TenantSettings, chosen: str | None) -> PaymentChoice:
    """Return what this shop offers and what its buyer has chosen, in a request. A shop that asks for no payment is
    asked nothing."""
    if not tenant.payment:
        return PaymentChoice(chosen=chosen) if chosen else NO_PAYMENT
    settings = load_settings()
    return PaymentChoice(
        *(tenant.payment, usable(tenant, settings), chosen or None, return_root(), settings.transfer_days),
        fault_of=lambda method, amount: fault_of(method, amount, tenant.currency),
    )


def fault_of(method: str, amount: int, currency: str) -> str | None:
    """Return a sentence that says why this amount of minor units can't be paid by a method; None if it can."""
    return amount_fault(amount, currency) if method == PaymentMethod.STRIPE else None


def usable(tenant: TenantSettings, settings: ShopPaymentSettings) -> tuple[str, ...]:
    """Return the shop's methods that can be used, in its order: all but Stripe without a key."""
    return tuple(method for method in tenant.payment if method != PaymentMethod.STRIPE or settings.stripe)


def methods_offered(tenant: TenantSettings) -> tuple[str, ...]:
    return usable(tenant, load_settings()) if tenant.payment else ()


def return_root() -> str:
    """The URL of the shop's root, for a page elsewhere that leads back: the host of the request if the installation
    knows no better. Only the buyer who sends the request is led there."""
    return trusted_root() or request.host_url.rstrip("/") + request.script_root


def payment_pages() -> str:
    """The origin of the provider's pages, for the Content-Security-Policy of a page whose form leads there."""
    return origin_of_pages(current_state().settings.stripe_api_base)


@cache
def origin_of_pages(api_base: str | None) -> str:
    return api_base or STRIPE_PAGES


def check_stripe_key() -> None:
    """Ask Stripe whether it takes the current shop's key. Raises `ProviderUnavailable` with the reason."""
    keys = load_settings().stripe
    if keys is None:
        raise ProviderUnavailable("the shop has no Stripe key")
    stripe_provider(keys).check_key()
