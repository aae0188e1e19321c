"""Attribution: whether a line that is added to a cart came from a suggestion.

The form of a suggestion carries its impression's id, signed for this tenant, cart and product. So adding the line needs
no lookup, and it does not matter whether the impression was written yet, or by which process.
"""

from hashlib import sha256

from flask import current_app
from itsdangerous import BadData, TimestampSigner

from storefront.db.tenancy import execute
from storefront.db.tenant_context import current_tenant_id
from storefront.ids import is_id
from storefront.upsell.models import SELECT_IMPRESSION_SUGGESTIONS

MAX_ATTRIBUTION_AGE_SECONDS = 7 * 24 * 60 * 60
"""A checkout page that stays open longer no longer counts as the reason for a purchase."""


def attribution_signer(cart_id: str, product_id: str) -> TimestampSigner:
    """The salt holds what a value is valid for; only `product_id` may contain a colon."""
    salt = f"storefront-upsell-attribution:{current_tenant_id()}:{cart_id}:{product_id}"
    return TimestampSigner(current_app.config["SECRET_KEY"], salt=salt, key_derivation="hmac", digest_method=sha256)


def sign_attribution(impression_id: str, cart_id: str, product_id: str) -> str:
    """The value that the form of a suggestion carries."""
    return attribution_signer(cart_id, product_id).sign(impression_id).decode()


def is_attributable(value: str | None, cart_id: str, product_id: str) -> bool:
    """Whether `value` was signed for this cart and product at most `MAX_ATTRIBUTION_AGE_SECONDS` ago. A value that was
    forged, has expired or belongs to another tenant is no error: the product is added without attribution."""
    if not value:
        return False
    try:
        attribution_signer(cart_id, product_id).unsign(value, MAX_ATTRIBUTION_AGE_SECONDS)
    except BadData:
        return False
    return True


def was_suggested(impression_id: str | None, cart_id: str, product_id: str) -> bool:
    """Whether an impression of the JSON API, which is stored before it is sent, suggested this product to this cart."""
    if not impression_id or not is_id(impression_id) or not is_id(cart_id):
        return False
    parameters = {"showing": impression_id, "cart": cart_id}
    suggestions = execute(SELECT_IMPRESSION_SUGGESTIONS, parameters).scalar()
    return any(suggestion["product_id"] == product_id for suggestion in suggestions or ())
