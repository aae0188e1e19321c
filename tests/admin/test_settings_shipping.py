"""The settings of shipping: the list of methods and the form of one, without JavaScript."""

from typing import Any

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from storefront.tenants.registry import registry
from storefront.tenants.shipping_methods import ShippingMethod
from tests.admin.settings_forms import events_of, opened, texts
from tests.staff.factories import Staff, signed_in

PAGE = "/admin/settings/shipping"
STANDARD = {"name": "Standard", "price": "4,90", "free_from": "50", "days_from": "2", "days_until": "4"}


@pytest.fixture
def manager(app: Flask) -> Staff:
    return signed_in(app, "north", Role.MANAGER)


def methods(app: Flask) -> tuple[ShippingMethod, ...]:
    with app.app_context():
        found = registry().find("north")
    assert found is not None
    return found.shipping


def add(manager: Staff, **more: Any) -> None:
    sent: dict[str, Any] = STANDARD | {"countries": ["IE", "DE"]} | more
    assert manager.post(f"{PAGE}/new", sent).status_code == 303


def test_a_method_is_added_with_all_that_it_can_have(app: Flask, manager: Staff) -> None:
    assert "No shipping methods" in manager.get(PAGE).text
    assert opened(manager, f"{PAGE}/new", "method")["step_by"] == "weight"
    add(manager, step_from_0="1000", step_price_0="6.90", step_from_2="5000", step_price_2="9", max_weight="30000")
    (method,) = methods(app)
    assert (method.id, method.name, method.price, method.free_from) == ("standard", "Standard", 490, 5000)
    assert (method.countries, method.days, method.max_weight) == (("DE", "IE"), (2, 4), 30000)
    assert [(step.from_weight, step.price) for step in method.steps] == [(1000, 690), (5000, 900)]
    page = manager.get(PAGE).text
    assert "Germany, Ireland" in page
    assert events_of(app)[-1].after["standard"]["price"] == "4.90"


def test_a_method_is_opened_as_it_was_stored_and_changed(app: Flask, manager: Staff) -> None:
    add(manager, step_by="subtotal", step_from_0="20", step_price_0="2.90", name_de="Normal")
    form = opened(manager, f"{PAGE}/standard", "method")
    assert (form["price"], form["free_from"], form["step_by"]) == ("4.90", "50.00", "subtotal")
    assert (form["step_from_0"], form["step_price_0"], form["name_de"]) == ("20.00", "2.90", "Normal")
    before = len(events_of(app))
    unchanged = {**form, "countries": ["DE", "IE"]}
    assert manager.post(f"{PAGE}/standard", unchanged).status_code == 303
    assert len(events_of(app)) == before, "nothing has changed"
    manager.post(f"{PAGE}/standard", {**unchanged, "name": "Parcel", "price": ""})
    (method,) = methods(app)
    assert (method.id, method.name, method.price) == ("standard", "Parcel", 0)
    assert [(step.from_subtotal, step.price) for step in method.steps] == [(2000, 290)]


def test_methods_are_ordered_and_removed(app: Flask, manager: Staff) -> None:
    add(manager)
    add(manager, name="Express", default="true")
    add(manager, name="Pick up", pickup="true", default="true")
    assert [(one.id, one.default) for one in methods(app)] == [
        ("standard", False),
        ("express", False),
        ("pickup", True),
    ]
    manager.post(f"{PAGE}/pickup/move", {"direction": "up"})
    manager.post(f"{PAGE}/standard/move", {"direction": "up"})
    assert [one.id for one in methods(app)] == ["standard", "pickup", "express"]
    assert manager.post(f"{PAGE}/standard/remove").status_code == 303
    assert [one.id for one in methods(app)] == ["pickup", "express"]
    assert manager.post(f"{PAGE}/standard/remove").status_code == 404
    assert manager.get(f"{PAGE}/standard").status_code == 404


def test_two_methods_of_a_name_have_two_ids_and_the_same_one_is_added_once(app: Flask, manager: Staff) -> None:
    add(manager)
    add(manager)  # a double click
    add(manager, price="9.90")
    add(manager, name="New")
    add(manager, name="宅配")
    ids = [one.id for one in methods(app)]
    assert ids[:2] == ["standard", "standard-2"]
    assert "new" not in ids
    assert len(set(ids)) == 4


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        ({"name": ""}, "name_error", "Enter a name, such as Standard."),
        ({"price": "cheap"}, "price_error", "Enter a price in EUR, such as 12.50."),
        ({"free_from": "1.005"}, "free_from_error", "Enter a price in EUR, such as 12.50."),
        ({"max_weight": "1.5"}, "max_weight_error", "Enter a whole number."),
        ({"max_weight": "-1"}, "max_weight_error", "Heaviest parcel must be at least 0."),
        ({"step_from_0": "heavy", "step_price_0": "1"}, "step_from_0_error", "Enter a whole number."),
        ({"step_from_0": "1", "step_price_0": ""}, "step_price_0_error", "Enter a price in EUR, such as 12.50."),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    app: Flask, manager: Staff, sent: dict[str, str], field: str, sentence: str
) -> None:
    answer = manager.post(f"{PAGE}/new", STANDARD | sent)
    assert answer.status_code == 422
    assert texts(answer.text, field) == [sentence]
    for name, value in sent.items():
        assert opened(manager, PAGE, "method", answer.text)[name] == value
    assert methods(app) == ()


def test_what_spans_several_fields_is_said_too(manager: Staff) -> None:
    for sent, sentence in (
        ({"days_from": "5"}, "The first number of days must not be greater than the second."),
        (
            {"step_from_0": "2", "step_price_0": "1", "step_from_1": "1", "step_price_1": "2"},
            "Each step must begin at more than the one before.",
        ),
        ({"countries": "XX"}, "Choose countries from the list."),
    ):
        answer = manager.post(f"{PAGE}/new", STANDARD | sent)
        assert answer.status_code == 422, sentence
        assert sentence in answer.text


def test_a_method_that_somebody_else_changed_is_compared(app: Flask, manager: Staff) -> None:
    add(manager)
    mine = {**opened(manager, f"{PAGE}/standard", "method"), "countries": ["DE", "IE"]}
    manager.post(f"{PAGE}/standard", {**mine, "price": "5.90", "days_until": "6"})
    answer = manager.post(f"{PAGE}/standard", {**mine, "price": "3.90"})
    assert answer.status_code == 409
    assert "Meanwhile somebody else changed this to “5.90”." in answer.text
    again = {**opened(manager, PAGE, "method", answer.text), "countries": ["DE", "IE"]}
    assert again["price"] == "3.90"
    assert manager.post(f"{PAGE}/standard", {**again, "days_until": "6"}).status_code == 303
    (method,) = methods(app)
    assert (method.price, method.days) == (390, (2, 6))
