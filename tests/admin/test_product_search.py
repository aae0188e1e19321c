"""The back office's search for products."""

import re

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from tests.catalog.test_staff_api import staff_of
from tests.conftest import Person
from tests.factories import place_order
from tests.staff.factories import Staff, signed_in


@pytest.fixture
def owner(app: Flask) -> Staff:
    return signed_in(app, "north", Role.OWNER)


def found(owner: Staff, q: str, path: str = "/admin/products") -> set[str]:
    """The ids of products, or of orders, that the list links to."""
    page = owner.get(path, query_string={"q": q}).text
    return set(re.findall(rf'href="/t/north{path}/([\w-]+)"', page)) - {"new"}


def test_all_words_are_found_and_the_last_also_by_its_beginning(owner: Staff) -> None:
    for q in ("dawn beans", "beans dawn", "Dawn BEA", "coffee espresso d", "cafe po"):
        assert found(owner, q) in ({"beans"}, {"pot"}), q
    assert found(owner, "espresso") == {"beans", "pot", "cup"}
    for q in ("daw beans", "dawn beans cup", "nothing", "fountain"):
        assert found(owner, q) == set(), q


def test_a_product_of_the_searched_name_comes_first(app: Flask, owner: Staff) -> None:
    staff = staff_of(app, "north")
    for id, name in (("dusk", "Dusk Decaf"), ("drip", "Dusk Decaf Drip Bags")):
        staff.create(id=id, name=name, price=100, stock=1)
    page = owner.get("/admin/products?q=dusk+decaf").text
    assert 0 < page.index('href="/t/north/admin/products/dusk"') < page.index('href="/t/north/admin/products/drip"')


def test_a_search_of_many_words_finds(owner: Staff) -> None:
    assert found(owner, "dawn beans beans for espresso coffee espresso bea") == {"beans"}


def test_changed_texts_are_found_at_once_and_former_ones_are_not(app: Flask, owner: Staff) -> None:
    staff = staff_of(app, "north")
    staff.change("cup", name="Walnut Bowl", description="", tags=[])
    staff.create(id="lamp", name="Walnut Lamp", price=100, stock=1, status="draft")
    assert found(owner, "walnut") == {"cup", "lamp"}
    assert found(owner, "stone") == found(owner, "stoneware") == set()
    staff.change("cup", status="archived")
    assert found(owner, "walnut b") == {"cup"}


def test_orders_are_found_by_the_words_of_their_products(owner: Staff, shopper: Person) -> None:
    order = place_order(shopper, beans=1)
    place_order(shopper, honey=1)
    assert found(owner, "dawn bea", "/admin/orders") == {order}
    assert found(owner, "dawn honey", "/admin/orders") == set()
