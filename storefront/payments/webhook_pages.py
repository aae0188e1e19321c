"""The URL that payment providers send their webhooks to."""

from flask import Blueprint, request
from werkzeug.wrappers import Response as AnyResponse

from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.orders.payment_models import PaymentMethod
from storefront.payments.jobs import schedule_webhooks
from storefront.payments.provider import ProviderUnavailable
from storefront.payments.providers import provider_of
from storefront.payments.webhooks import store_webhook

pages = Blueprint("payment_webhooks", __name__)


@pages.post("/payments/stripe")
def stripe_webhook() -> AnyResponse:
    """Take a webhook of Stripe, signed over its raw bytes. It is stored and answered; a job processes it."""
    try:
        notice = provider_of(PaymentMethod.STRIPE).verify_webhook(
            request.get_data(), request.headers.get("Stripe-Signature", "")
        )
    except ProviderUnavailable:
        raise NotFound(_("We couldn't find this page.")) from None
    if store_webhook(notice):
        schedule_webhooks()
    return AnyResponse("", 200, mimetype="text/plain")
