"""Payments in words: the names of methods and statuses."""

from collections.abc import Mapping

from storefront.i18n.gettext import N_, _
from storefront.orders.payment_models import PaymentMethod, PaymentStatus
from storefront.payments.stripe_amounts import NOT_IN_TENS

METHOD_NAMES: Mapping[str, str] = {
    PaymentMethod.STRIPE: N_("Pay online"),
    PaymentMethod.BANK_TRANSFER: N_("Bank transfer"),
    PaymentMethod.ON_DELIVERY: N_("Pay on delivery"),
}
METHOD_NOTES: Mapping[str, str] = {
    PaymentMethod.STRIPE: N_("By card and more, on the secure page of Stripe."),
    PaymentMethod.BANK_TRANSFER: N_("You'll see our bank details after you place the order."),
    PaymentMethod.ON_DELIVERY: N_("You pay when you receive your order."),
}
STATUS_NAMES: Mapping[str, str] = {
    PaymentStatus.PENDING: N_("Waiting for payment"),
    PaymentStatus.PAID: N_("Paid"),
    PaymentStatus.FAILED: N_("Payment failed"),
    PaymentStatus.EXPIRED: N_("Not paid"),
    PaymentStatus.PARTLY_REFUNDED: N_("Partly refunded"),
    PaymentStatus.REFUNDED: N_("Refunded"),
}
"""Without `none`, about which there is nothing to say."""
REFUSAL_TEXTS: Mapping[str, str] = {
    "amount_too_small": N_("This amount is too small to be paid online."),
    "amount_too_large": N_("This amount is too large to be paid online."),
    "amount_not_in_tens": NOT_IN_TENS,
}
"""Why a provider refused a payment, by its code."""
OTHER_REFUSAL = N_("The payment provider refused this payment.")
STATUS_SHAPES: Mapping[str, str] = {
    PaymentStatus.PENDING: "new",
    PaymentStatus.PAID: "done",
    PaymentStatus.FAILED: "off",
    PaymentStatus.EXPIRED: "off",
    PaymentStatus.PARTLY_REFUNDED: "done",
    PaymentStatus.REFUNDED: "off",
}


def refusal_text(reason: str) -> str:
    """Return why the provider refused a payment, in words."""
    return _(REFUSAL_TEXTS.get(reason, OTHER_REFUSAL))
