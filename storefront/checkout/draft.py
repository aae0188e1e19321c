"""The checkout draft: form fields kept while the shopper visits another page or changes the language.

It is stored in the shop's signed session cookie (HttpOnly, never logged), only until the checkout is shown again, and
never in a URL.
"""

from collections.abc import Mapping

from flask import session

from storefront.orders.queries import OrderView
from storefront.orders.validation import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH
from storefront.shipping.address import MAX_LINE_LENGTH, MAX_POSTAL_CODE_LENGTH
from storefront.shipping.vat import MAX_VAT_ID_LENGTH

FIELDS = {
    "email": MAX_EMAIL_LENGTH,
    "name": MAX_NAME_LENGTH,
    **dict.fromkeys(("line1", "line2", "city", "region"), MAX_LINE_LENGTH),
    "postal_code": MAX_POSTAL_CODE_LENGTH,
    "country": 2,
    "shipping": 40,
    "preselected_shipping": 40,
    "vat_id": MAX_VAT_ID_LENGTH,
    "payment": 40,
}
"""The form's fields with their maximum number of characters."""
KEY = "checkout_draft"


def fields_of(form: Mapping[str, str]) -> dict[str, str]:
    return {field: form.get(field, "")[:max_length] for field, max_length in FIELDS.items()}


def keep_draft(form: Mapping[str, str]) -> None:
    """Replace the draft with the fields of this form; delete it if all are empty."""
    discard_draft()
    fields = {field: value for field, value in fields_of(form).items() if value}
    if any(fields.values()):
        session[KEY] = fields


def take_draft() -> dict[str, str]:
    """Return the draft and delete it."""
    return fields_of(session.pop(KEY)) if KEY in session else {}


def draft_of_order(order: OrderView) -> dict[str, str]:
    """Return what the buyer typed for an order. Country and shipping method are those of its cart."""
    typed = {"email": order.email, "name": order.name, "vat_id": order.vat_id, "payment": order.payment_method}
    return fields_of({name: value for name, value in {**(order.address or {}), **typed}.items() if value})


def read_draft() -> dict[str, str]:
    """Return the draft and keep it, for a part of the page."""
    return fields_of(session[KEY]) if KEY in session else {}


def discard_draft() -> None:
    if KEY in session:
        session.pop(KEY)
