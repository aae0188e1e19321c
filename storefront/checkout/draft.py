"""The checkout draft: form fields kept while the shopper visits another page or changes the language.

It is stored in the shop's signed session cookie (HttpOnly, never logged), only until the checkout is shown again, and
never in a URL.
"""

from collections.abc import Mapping

from flask import session

from storefront.orders.validation import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH

FIELDS = {"email": MAX_EMAIL_LENGTH, "name": MAX_NAME_LENGTH, "payment": 20}
"""The form's fields with their maximum number of characters."""
KEY = "checkout_draft"


def fields_of(form: Mapping[str, str]) -> dict[str, str]:
    return {field: form.get(field, "")[:max_length] for field, max_length in FIELDS.items()}


def keep_draft(form: Mapping[str, str]) -> None:
    """Replace the draft with the fields of this form; delete it if all are empty."""
    discard_draft()
    fields = fields_of(form)
    if any(fields.values()):
        session[KEY] = fields


def take_draft() -> dict[str, str]:
    """Return the draft and delete it."""
    return fields_of(session.pop(KEY)) if KEY in session else {}


def discard_draft() -> None:
    if KEY in session:
        session.pop(KEY)
