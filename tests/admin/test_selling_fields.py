"""The weight and the tax class of a product on its page in the back office."""

from typing import Any

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.staff.factories import Staff, signed_in

TAX = {"rate": "20", "included": False, "classes": {"reduced": "10"}, "countries": {"DE": {"rate": "19"}}}
HEAVY = {"id": "parcel", "name": "Parcel", "price": "4.90", "pickup": True, "max_weight": 1000, "default": True}
FORM = {"name": "Mug", "price": "10.00", "status": "active"}


@pytest.fixture
def manager(app: Flask) -> Staff:
    mug: dict[str, Any] = {**product("mug", "10.00", 1000), "name": "Mug"}
    import_tenants(app, tenant("west", mug, tax=TAX, shipping=[HEAVY]))
    return signed_in(app, "west", Role.MANAGER)


def save(manager: Staff, path: str = "/admin/products/mug", **sent: str) -> int:
    return manager.post(path, FORM | sent).status_code


def test_weight_and_tax_class_are_changed_and_count(app: Flask, manager: Staff) -> None:
    shop = Person(app.test_client(), "west")
    assert save(manager, weight="600", tax_class="reduced") == 303
    placed = shop.checkout(shop.cart(mug=1)).json
    assert placed["tax"]["amount"] == 198, "10 % of the mug, and 20 % of its delivery"
    assert shop.checkout(shop.cart(mug=2)).status_code == 422, "too heavy"
    page = manager.get("/admin/products/mug").text
    assert 'value="600"' in page
    assert '<option value="reduced" selected>' in page
    assert "Changed: Tax class, Weight in grams" in page
    assert save(manager, weight="", tax_class="") == 303
    assert shop.checkout(shop.cart(mug=2)).json["tax"]["amount"] == 498
    assert "600 → –" in manager.get("/admin/products/mug").text


@pytest.mark.parametrize("sent", [{"weight": "1.5"}, {"weight": "-1"}, {"weight": "10000001"}, {"tax_class": "none"}])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_is_wrong_is_said_beside_its_field(manager: Staff, sent: dict[str, str]) -> None:
    answer = manager.post("/admin/products/mug", FORM | sent)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_form_without_the_fields_leaves_them(app: Flask, manager: Staff) -> None:
    assert save(manager, weight="600", tax_class="reduced") == 303
    assert save(manager, name="Cup") == 303
    page = manager.get("/admin/products/mug").text
    assert 'value="600"' in page
    assert '<option value="reduced" selected>' in page


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_somebody_elses_weight_is_not_overwritten_unseen(manager: Staff) -> None:
    base = {f"was_{name}": value for name, value in FORM.items()} | {"was_weight": "", "was_tax_class": ""}
    assert save(manager, weight="600") == 303
    refused = manager.post("/admin/products/mug", {**FORM, **base, "weight": "700", "tax_class": ""})
    assert refused.status_code == 409
    assert "changed this to “600”" in refused.text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_shop_without_tax_classes_is_asked_for_none(app: Flask) -> None:
    page = signed_in(app, "north", Role.MANAGER).get("/admin/products/beans").text
    assert 'name="weight"' in page
    assert 'name="tax_class"' not in page
