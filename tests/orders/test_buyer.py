"""Buyer validation: the API and the page's form accept the same values and have the same messages."""

import re
from html import unescape

import pytest
from flask import Flask

from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.orders.queries import orders
from tests.api_contract import assert_problem
from tests.conftest import Person

VALID_EMAILS = {
    "a@x.ro": "a@x.ro", " a@x.ro ": "a@x.ro", "\ta@x.ro\n": "a@x.ro", "a+tag@x.ro": "a+tag@x.ro",
    "\u200ba@x.ro\ufeff": "a@x.ro", "a@x.ro\u00a0": "a@x.ro", "Ada@X.RO": "Ada@x.ro",
    "ada@bücher.de": "ada@bücher.de", "ada@BÜCHER.de": "ada@bücher.de", "ada@xn--bcher-kva.de": "ada@bücher.de",
    "ａｄａ＠ｘ．ro": "ada@x.ro", "o'brien@x.ro": "o'brien@x.ro", "ada@mail.shop.test": "ada@mail.shop.test",
    "dmytro@пошта.укр": "dmytro@пошта.укр",
}  # fmt: skip
INVALID_EMAILS = {
    "<a@x.ro>": "angle brackets", "Ada <a@x.ro>": "angle brackets",
    "mailto:a@x.ro": "mailto", "MAILTO:a@x.ro": "mailto",
    "a@x.ro;": "comma or semicolon", "a@x.ro, b@x.ro": "comma or semicolon", "a@@x.ro": "only one address",
    "ada": "valid email", "a@b": "valid email", "a b@x.ro": "valid email", "a@x..ro": "valid email",
    "ü@example.com": "before the @", "дмитро@пошта.укр": "before the @",
    ".a@x.ro": "valid email", "a@-x.ro": "valid email", '"a b"@x.ro': "valid email", "a@[1.2.3.4]": "valid email",
    "a\u202e@x.ro\0": "valid email", "a" * 250 + "@x.ro": "254", "": "enter your email", "\u200b": "enter your email",
}  # fmt: skip
NAMES = {
    "Ada": "Ada", "  Ada   Lovelace ": "Ada Lovelace", "Ada\u202eevil": "Adaevil", "\u2067עדה\u2069": "עדה",
    "Zoe\u0308": "Zoë", "A\u200bda": "Ada", "علی\u200cرضا": "علی\u200cرضا", "👩‍💻 Ada": "👩‍💻 Ada", "李": "李",
}  # fmt: skip
INVISIBLE_NAMES = ["", "   ", "\u200b", "\u2060\ufeff", "\u3164", "\u115f\u1160", "\uffa0", "\u2800", "\u00ad",
                   "\u202e\u2066",
          "\u2028\u2029", "\U000e0041", "\ufe0f"]  # fmt: skip


def refusal_messages(shopper: Person, field: str, **buyer: str) -> tuple[str, str]:
    """Return the messages about a field, by the API and by the page."""
    buyer = {"email": "ada@example.com", "name": "Ada"} | buyer
    problem = assert_problem(shopper.checkout(shopper.cart(beans=1), **buyer), 422, field=field)
    message = next(error["message"] for error in problem["errors"] if error["field"] == field)
    shopper.post("/cart/items", {"product_id": "beans"})
    page = shopper.post("/checkout", buyer)
    assert page.status_code == 422
    shown = re.search(rf'id="{field}_error">(.*?)</p>', page.text)
    return message, unescape(shown[1]) if shown else ""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_valid_email_address_is_stored_in_normal_form(shopper: Person):
    for typed, stored in VALID_EMAILS.items():
        assert shopper.checkout(shopper.cart(beans=1), email=typed).json["email"] == stored, repr(typed)
        shopper.post("/cart/items", {"product_id": "beans"})
        placed = shopper.post("/checkout", {"email": typed, "name": "Ada"})
        assert placed.status_code == 303, repr(typed)
        id = placed.headers["Location"].rpartition("/")[2]
        assert shopper.api("GET", f"/orders/{id}").json["email"] == stored, repr(typed)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_invalid_email_address_is_refused_with_the_reason(shopper: Person):
    for typed, reason in INVALID_EMAILS.items():
        api, page = refusal_messages(shopper, "email", email=typed)
        assert api == page, repr(typed)
        assert re.search(reason, api), f"{typed!r}: {api}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_name_is_stored_without_invisible_characters(shopper: Person):
    for typed, stored in NAMES.items():
        assert shopper.checkout(shopper.cart(beans=1), name=typed).json["name"] == stored, repr(typed)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_invisible_name_is_refused(shopper: Person):
    for typed in INVISIBLE_NAMES:
        api, page = refusal_messages(shopper, "name", name=typed)
        assert api == page == "Please enter your name.", repr(typed)
    for typed in ("A\0da", "\x1b[31mAda", "Ada\x7f", "Ada\x9b"):
        assert refusal_messages(shopper, "name", name=typed)[0] == "Your name can't contain control characters.", repr(
            typed
        )


def test_direction_controls_in_a_stored_name_are_not_shown(app: Flask, shopper: Person):
    """Earlier versions stored names without removing direction controls."""
    order = shopper.checkout(shopper.cart(beans=1), name="Ada").json["id"]
    with app.app_context(), tenant_context("north"), write():
        execute(tenant_scoped(orders.update()).values(name="Ada\u202enosgnivoleL"))
    assert "\u202e" not in shopper.get(f"/orders/{order}").text
    right_to_left = shopper.checkout(shopper.cart(beans=1), name="עדה").json["id"]
    assert "\u2068עדה\u2069." in shopper.get(f"/orders/{right_to_left}").text
