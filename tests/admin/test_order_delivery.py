"""The back office shows where an order goes, what each line's part of discount and tax is, and prints the address."""

from typing import Any

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.orders.test_delivery import BERLIN, STANDARD, TAX
from tests.staff.factories import signed_in


@pytest.fixture
def order_id(app: Flask) -> str:
    settings: dict[str, Any] = {"locale": "en-IE", "country": "IE", "tax": TAX, "shipping": [STANDARD]}
    offer = {"code": "TEN", "percent": "10"}
    import_tenants(app, tenant("west", product("mug", "10.00"), promotions=[offer], **settings))
    shop = Person(app.test_client(), "west")
    cart = shop.cart(mug=2)
    shop.api("PUT", f"/carts/{cart}/promo", {"code": "TEN"})
    return str(shop.checkout(cart, shipping="standard", address=BERLIN).json["id"])


def test_the_order_has_its_address_and_the_parts_of_its_lines(app: Flask, order_id: str) -> None:
    page = signed_in(app, "west", Role.CLERK).get(f"/admin/orders/{order_id}").text
    for words in ("Hauptstr. 1", "10115 Berlin", "Germany", "Standard", "−€2.00", "Tax (19%) €3.42", "€27.25"):
        assert words in page, words
    assert "10115 Berlin" in signed_in(app, "west", Role.CLERK).get(f"/admin/orders/{order_id}/print").text


def test_who_may_not_see_buyers_sees_no_address(app: Flask, order_id: str) -> None:
    viewer = signed_in(app, "west", Role.VIEWER)
    for path in (f"/admin/orders/{order_id}", f"/admin/orders/{order_id}/print"):
        page = viewer.get(path).text
        assert "Standard" in page
        assert "Hauptstr." not in page
