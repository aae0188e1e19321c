"""What a shopper has typed at checkout and not sent yet, kept while they look at another page or in another language.

Kept in the shop's signed cookie, which stays between the shopper and the shop (HttpOnly, never logged), and only until
the checkout is shown again: nobody else finds it there later. It is never part of an address.
"""

from collections.abc import Mapping

from flask import session

from storefront.orders.validation import MAX_EMAIL_LENGTH, MAX_NAME_LENGTH

FIELDS = {"email": MAX_EMAIL_LENGTH, "name": MAX_NAME_LENGTH}
"""The form's fields, and how many characters of each are kept."""
KEY = "checkout_draft"


def fields_of(form: Mapping[str, str]) -> dict[str, str]:
    return {field: form.get(field, "")[:most] for field, most in FIELDS.items()}


def keep_draft(form: Mapping[str, str]) -> None:
    """Keep the fields of this form; one in which nothing was typed takes what was kept before away."""
    discard_draft()
    fields = fields_of(form)
    if any(fields.values()):
        session[KEY] = fields


def take_draft() -> dict[str, str]:
    """The fields that were kept, which are kept no longer."""
    return fields_of(session.pop(KEY)) if KEY in session else {}


def discard_draft() -> None:
    if KEY in session:
        session.pop(KEY)
