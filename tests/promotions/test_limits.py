"""Promotions with a minimum, a window and limits: applied, refused with the reason, counted exactly, given back."""

from collections import Counter
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.promotions.models import PromotionUsage, PromotionUse
from tests.api_contract import assert_problem
from tests.concurrency import at_once, people
from tests.conftest import Person
from tests.factories import cancel, import_tenants, product, tenant

TOMORROW, YESTERDAY = (now() + timedelta(days=2)).date().isoformat(), (now() - timedelta(days=2)).date().isoformat()
HALF = {"code": "HALF", "percent": "50"}


def open_shop(app: Flask, *promotions: dict[str, Any], **settings: Any) -> Person:
    given = {"locale": "en-IE", "promotions": list(promotions), **settings}
    import_tenants(app, tenant("west", product("mug", "10.00"), **given))
    return Person(app.test_client(), "west")


def cart_with(shop: Person, code: str, mugs: int = 1) -> str:
    cart = shop.cart(mug=mugs)
    answer = shop.api("PUT", f"/carts/{cart}/promo", {"code": code})
    assert answer.status_code == 200, answer.text
    return cart


def used(app: Flask, code: str) -> tuple[int, int]:
    """Return how often it is counted as used, and by how many orders."""
    with app.app_context(), tenant_context("west"):
        usage = db.session.get(PromotionUsage, ("west", code))
        return usage.used if usage else 0, db.session.query(PromotionUse).filter_by(code=code).count()


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"from": TOMORROW}, "isn't valid yet"),
        ({"until": YESTERDAY}, "has expired"),
        ({"min_subtotal": "20.00"}, "is for orders of €20.00 or more"),
    ],
)
def test_code_whose_conditions_are_not_met_is_refused_with_the_reason(
    app: Flask, conditions: dict[str, Any], words: str
):
    shop = open_shop(app, {**HALF, **conditions})
    problem = assert_problem(shop.api("PUT", f"/carts/{shop.cart(mug=1)}/promo", {"code": "half"}), 422, field="code")
    assert words in problem["detail"]


def test_code_that_stops_meeting_its_minimum_stays_gives_nothing_and_says_why(app: Flask):
    shop = open_shop(app, {**HALF, "min_subtotal": "20.00"})
    shop.post("/cart/items", {"product_id": "mug", "quantity": "2"})
    assert shop.post("/cart/promo", {"code": "half"}).status_code == 303
    shop.post("/cart/items/mug", {"quantity": "1"})
    for path in ("/cart", "/checkout"):
        page = shop.get(path).text
        assert "The promo code HALF is for orders of €20.00 or more." in page
        assert "€10.00" in page
    cart = cart_with(shop, "HALF", 2)
    assert shop.api("GET", f"/carts/{cart}").json["promo_note"] is None
    found = shop.api("PUT", f"/carts/{cart}/items/mug", {"quantity": 1}).json
    assert (found["promo_code"], found["discount"]["amount"]) == ("HALF", 0)
    assert found["promo_note"] == "The promo code HALF is for orders of €20.00 or more."
    assert shop.checkout(cart).json["total"]["amount"] == 1000


@pytest.mark.parametrize("typed", ["half", " HALF\u00a0", "\u3000Half\n", "\u200bhalf"])
def test_code_ignores_case_and_surrounding_white_space(app: Flask, typed: str):
    cart_with(open_shop(app, HALF), typed)


def test_used_code_is_named_with_what_to_do_and_then_the_order_goes_on(app: Flask):
    shop = open_shop(app, {**HALF, "per_customer": 1})
    shop.checkout(cart_with(shop, "HALF"))
    cart = cart_with(shop, "HALF")
    problem = assert_problem(shop.checkout(cart), 409, "price-changed")
    assert "already used the promo code HALF" in problem["detail"]
    assert "expected_total 1000" in problem["detail"]
    assert problem["total"] == {"amount": 1000, "currency": "EUR"}
    assert shop.checkout(cart, expected_total=1000).status_code == 201


def test_automatic_promotion_needs_no_code(app: Flask):
    shop = open_shop(app, {"code": "AUTUMN", "amount": "1.00", "automatic": True})
    cart = shop.cart(mug=1)
    assert shop.api("GET", f"/carts/{cart}").json["discount"]["amount"] == 100
    assert shop.checkout(cart).json["promo_code"] == "AUTUMN"


def test_twenty_concurrent_checkouts_use_exactly_the_limit(app: Flask):
    shop = open_shop(app, {**HALF, "limit": 7})
    carts = [cart_with(shop, "HALF") for _ in range(20)]
    buyers = people(app, 20, "west")
    answers = at_once([partial(buyer.checkout, cart) for buyer, cart in zip(buyers, carts, strict=True)])
    assert Counter(answer.status_code for answer in answers) == {201: 7, 409: 13}
    for answer in answers:
        if answer.status_code == 409:
            problem = assert_problem(answer, 409, "price-changed")
            assert "has been used up" in problem["detail"]
            assert problem["total"]["amount"] == 1000
    assert used(app, "HALF") == (7, 7)
    assert shop.stock("mug") == 993
    late = shop.cart(mug=1)
    assert_problem(shop.api("PUT", f"/carts/{late}/promo", {"code": "HALF"}), 422, field="code")


def test_twenty_concurrent_checkouts_of_a_customer_use_exactly_the_limit(app: Flask):
    shop = open_shop(app, {**HALF, "per_customer": 2})
    carts = [cart_with(shop, "HALF") for _ in range(20)]
    buyers = people(app, 20, "west")
    emails = ["ada@example.com", "ADA@Example.com"] * 10
    calls = [
        partial(buyer.checkout, cart, email=email) for buyer, cart, email in zip(buyers, carts, emails, strict=True)
    ]
    answers = at_once(calls)
    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 18}
    assert used(app, "HALF") == (2, 2)
    assert shop.checkout(cart_with(shop, "HALF"), email="bea@example.com").status_code == 201


def test_order_goes_on_without_a_used_code_once_the_shopper_has_seen_the_total(app: Flask):
    shop = open_shop(app, {**HALF, "per_customer": 1})
    shop.checkout(cart_with(shop, "HALF"))
    shop.post("/cart/items", {"product_id": "mug"})
    shop.post("/cart/promo", {"code": "HALF"})
    form = {"email": "ada@example.com", "name": "Ada", "expected_total": "500"}
    refused = shop.post("/checkout", form)
    assert refused.status_code == 409
    assert "already used the promo code HALF" in refused.text.replace("&#39;", "'")
    assert 'name="expected_total" value="1000"' in refused.text
    assert shop.post("/checkout", form | {"expected_total": "1000"}).status_code == 303
    assert used(app, "HALF") == (1, 1)


def test_cancelled_order_gives_its_use_back_once(app: Flask):
    shop = open_shop(app, {**HALF, "limit": 1, "per_customer": 1})
    order = shop.checkout(cart_with(shop, "HALF")).json["id"]
    assert used(app, "HALF") == (1, 1)
    cancel(app, order, "west")
    cancel(app, order, "west")
    assert used(app, "HALF") == (0, 0)
    assert shop.checkout(cart_with(shop, "HALF")).json["discount"]["amount"] == 500


def test_refused_order_counts_nothing(app: Flask):
    shop = open_shop(app, {**HALF, "limit": 1})
    assert_problem(shop.checkout(cart_with(shop, "HALF"), expected_total=1), 409, "price-changed")
    assert used(app, "HALF") == (0, 0)


def test_free_shipping_makes_shipping_free(app: Flask):
    post = {"id": "post", "name": "Post", "price": "4.90", "default": True, "pickup": True}
    shop = open_shop(app, {"code": "SHIPFREE", "free_shipping": True}, shipping=[post])
    cart = shop.cart(mug=1)
    assert shop.api("GET", f"/carts/{cart}").json["shipping"]["amount"] == 490
    order = shop.checkout(cart_with(shop, "SHIPFREE")).json
    assert [order[step]["amount"] for step in ("discount", "shipping", "total")] == [0, 0, 1000]
