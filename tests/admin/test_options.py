"""The back office's page of a product's options, as forms without JavaScript."""

import re
from html import unescape

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from storefront.catalog.models import Variant
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.events.models import EventType
from storefront.events.queries import audit_events_after, last_event_id
from storefront.staff.permissions import Role
from tests.catalog.variants import open_wear
from tests.conftest import Person
from tests.staff.factories import Staff, signed_in

PAGE = "/admin/products/tee/options"


@pytest.fixture
def buyer(app: Flask) -> Person:
    return open_wear(app)


@pytest.fixture
def manager(app: Flask, buyer: Person) -> Staff:
    return signed_in(app, buyer.shop, Role.MANAGER)


def fields(page: str) -> dict[str, str]:
    """The values of the inputs of the form of options, but for check boxes."""
    form = page.partition(f'action="/t/wear{PAGE}"')[2].partition("</form>")[0]
    found = {}
    for tag in re.findall(r"<input [^>]*>", form):
        if 'type="checkbox"' not in tag:
            found[re.search(r'name="([^"]*)"', tag)[1]] = unescape(re.search(r' value="([^"]*)"', tag)[1])
    return found


def save(person: Staff, opened: dict[str, str], **typed: str) -> TestResponse:
    return person.post(PAGE, opened | typed)


def sold(buyer: Person) -> list[list[str]]:
    return [one["options"] for one in buyer.api("GET", "/products/tee").json["variants"]]


def test_options_and_values_are_renamed_and_their_translations_stay(manager: Staff, buyer: Person) -> None:
    opened = fields(manager.get(PAGE).text)
    assert save(manager, opened, option_1="Color", value_1_1="Crimson", value_2_1="Small").status_code == 303
    found = buyer.api("GET", "/products/tee").json
    assert found["options"] == [
        {"name": "Color", "values": ["Crimson", "Blue"]},
        {"name": "Size", "values": ["Small", "M"]},
    ]
    assert sold(buyer) == [["Crimson", "Small"], ["Crimson", "M"], ["Blue", "Small"]]
    german = buyer.api("GET", "/products/tee", headers={"Accept-Language": "de"}).json
    assert german["options"][0] == {"name": "Farbe", "values": ["Rot", "Blau"]}
    assert "Tee" in buyer.get("/?q=crimson").text, "search finds the new name"
    opened = fields(manager.get(PAGE).text)
    assert save(manager, opened, value_1_1_de="Purpur", value_2_1_de="Klein").status_code == 303
    german = buyer.api("GET", "/products/tee", headers={"Accept-Language": "de"}).json
    assert [one["values"] for one in german["options"]] == [["Purpur", "Blau"], ["Klein", "M"]]


def test_two_values_are_exchanged(manager: Staff, buyer: Person) -> None:
    assert save(manager, fields(manager.get(PAGE).text), value_1_1="Blue", value_1_2="Red").status_code == 303
    assert sold(buyer) == [["Blue", "S"], ["Blue", "M"], ["Red", "S"]]


def test_values_are_added_and_removed_with_their_variants(app: Flask, manager: Staff, buyer: Person) -> None:
    assert save(manager, fields(manager.get(PAGE).text), more_2="L, XL, L").status_code == 303
    assert buyer.api("GET", "/products/tee").json["options"][1]["values"] == ["S", "M", "L", "XL"]
    assert len(sold(buyer)) == 3
    added = manager.post(f"{PAGE}/variants", {"choice_1": "Blue", "choice_2": "XL", "price": "25", "stock": "7"})
    assert added.status_code == 303
    new = buyer.api("GET", "/products/tee").json["variants"][-1]
    assert (new["options"], new["price"]["amount"], new["stock"]) == (["Blue", "XL"], 2500, 7)
    assert buyer.api("GET", "/products/tee").json["stock"] == 3 + 5 + 7
    assert manager.post(f"{PAGE}/variants", {"all": "true", "stock": "1"}).status_code == 303
    assert len(sold(buyer)) == 8
    opened = fields(manager.get(PAGE).text)
    assert save(manager, opened, remove_value_1_1="true", remove_value_2_2="true").status_code == 303
    assert sold(buyer) == [["Blue", "S"], ["Blue", "XL"], ["Blue", "L"]]
    with app.app_context(), tenant_context("wear"):
        assert db.session.get(Variant, ("wear", "tee-red-s")) is None


def test_a_removed_variant_with_orders_or_in_a_cart_is_archived(app: Flask, manager: Staff, buyer: Person) -> None:
    item = {"product_id": "tee", "variant_id": "tee-red-s", "quantity": 1}
    order_cart = buyer.api("POST", "/carts", {"items": [item]}).json["id"]
    order_id = buyer.checkout(order_cart).json["id"]
    cart = buyer.api("POST", "/carts", {"items": [item | {"variant_id": "tee-blue-s"}]}).json["id"]
    assert manager.post(f"{PAGE}/remove", {"variant": ["tee-red-s", "tee-blue-s"]}).status_code == 303
    assert "2 variants are in orders or carts, so they were archived." in manager.get(PAGE).text
    assert sold(buyer) == [["Red", "M"]]
    with app.app_context(), tenant_context("wear"):
        assert db.session.get_one(Variant, ("wear", "tee-red-s")).status == "archived"
    assert buyer.api("GET", f"/orders/{order_id}").json["items"][0]["options"] == ["Red", "S"]
    assert buyer.api("GET", f"/carts/{cart}").json["items"][0]["available"] is False
    again = manager.post(f"{PAGE}/variants", {"choice_1": "Red", "choice_2": "S", "stock": "0"})
    assert again.status_code == 303
    assert ["Red", "S"] in sold(buyer), "the archived one is sold again"
    assert buyer.get("/products/tee?variant=gone").status_code == 200


def test_each_change_is_an_event_with_before_and_after(app: Flask, manager: Staff) -> None:
    with app.app_context(), tenant_context("wear"):
        start = last_event_id()
    save(manager, fields(manager.get(PAGE).text), value_1_1="Crimson")
    manager.post(f"{PAGE}/variants", {"choice_1": "Blue", "choice_2": "M", "stock": "2"})
    manager.post(f"{PAGE}/remove", {"variant": "tee-red-m"})
    with app.app_context(), tenant_context("wear"):
        changes = [one for one in audit_events_after(start, 20) if one.type == EventType.PRODUCT_CHANGED]
    renamed, added, removed = changes
    assert renamed.before["options"][0]["values"] == ["Red", "Blue"]
    assert renamed.after["options"][0]["values"] == ["Crimson", "Blue"]
    assert (added.before["variant"], added.after) == (None, {"variant": "Blue / M", "price": 2000, "stock": 2})
    assert (removed.before["variant"], removed.after["variant"]) == ("Crimson / M", None)
    assert all(one.actor_name == "Manager" and "hidden" not in one.data for one in changes), "open pages hear of it"
    history = manager.get("/admin/products/tee").text
    for said in ("Changed: Options", "Variant added: Blue / M", "Variant removed: Crimson / M"):
        assert said in history, said


def test_two_people_change_options_at_once_and_nothing_is_lost(app: Flask, manager: Staff, buyer: Person) -> None:
    other = signed_in(app, "wear", Role.OWNER)
    opened = fields(manager.get(PAGE).text)
    assert save(other, opened, value_1_1="Crimson", more_1="Green").status_code == 303
    assert save(manager, opened, value_2_1="Small").status_code == 303, "other values don't collide"
    second = save(manager, opened, value_1_1="Scarlet", value_1_2="Navy", more_2="XS")
    assert second.status_code == 409
    assert "Meanwhile somebody else changed this to “Crimson”." in second.text
    typed = fields(second.text)
    assert (typed["value_1_1"], typed["was_value_1_1"]) == ("Scarlet", "Crimson")
    assert (typed["value_1_2"], typed["more_2"]) == ("Navy", "XS")
    assert typed["value_1_3"] == "Green", "what others have added"
    assert save(manager, typed).status_code == 303
    found = buyer.api("GET", "/products/tee").json["options"]
    assert [one["values"] for one in found] == [["Scarlet", "Navy", "Green"], ["Small", "M", "XS"]]


def test_a_value_that_somebody_else_has_removed_can_be_added_again(app: Flask, manager: Staff, buyer: Person) -> None:
    other = signed_in(app, "wear", Role.OWNER)
    opened = fields(manager.get(PAGE).text)
    assert save(other, opened, remove_value_1_2="true").status_code == 303
    second = save(manager, opened, value_1_2="Navy")
    assert second.status_code == 409
    assert "Meanwhile somebody else removed this." in second.text
    assert save(manager, fields(second.text)).status_code == 303
    assert buyer.api("GET", "/products/tee").json["options"][0]["values"] == ["Red", "Navy"]


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"value_1_1": "Blue"}, "“Blue” is there twice."),
        ({"value_1_1": ""}, "A name or a value can't be empty."),
        ({"option_1": "Size"}, "“Size” is there twice."),
        ({"more_1": ",".join(map(str, range(49)))}, "An option can't have more than 50 values."),
        ({"remove_value_1_1": "true", "remove_value_1_2": "true"}, "An option needs at least one value."),
        ({"remove_value_1_1": "true", "remove_value_2_1": "true"}, "A product needs at least one variant."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_typed_is_lost(
    manager: Staff, buyer: Person, typed: dict[str, str], said: str
) -> None:
    refused = save(manager, fields(manager.get(PAGE).text), value_2_2="Medium", **typed)
    assert refused.status_code == 422
    assert said in unescape(refused.text), refused.text
    assert fields(refused.text)["value_2_2"] == "Medium"
    assert buyer.api("GET", "/products/tee").json["options"][1]["values"] == ["S", "M"]


@pytest.mark.parametrize(
    ("path", "sent", "said"),
    [
        ("variants", {"choice_1": "Green", "choice_2": "S"}, "Choose a value of each option."),
        ("variants", {"choice_1": "Blue", "choice_2": "M", "price": "much"}, "Enter a price in EUR"),
        ("variants", {"choice_1": "Blue", "choice_2": "M", "stock": "-1"}, "The stock can't be less than 0."),
        ("remove", {}, "Select a variant first."),
        ("remove", {"variant": ["tee-red-s", "tee-red-m", "tee-blue-s"]}, "needs at least one variant"),
    ],
)
def test_variants_that_cannot_be_added_or_removed(
    manager: Staff, buyer: Person, path: str, sent: dict[str, str], said: str
) -> None:
    refused = manager.post(f"{PAGE}/{path}", sent)
    assert refused.status_code == 422
    assert said in unescape(refused.text)
    assert len(sold(buyer)) == 3


def test_at_most_250_variants(manager: Staff, buyer: Person) -> None:
    opened = fields(manager.get(PAGE).text)
    assert (
        save(
            manager, opened, more_1=",".join(f"c{i}" for i in range(13)), more_2=",".join(map(str, range(15)))
        ).status_code
        == 303
    )
    assert "missing combinations" not in manager.get(PAGE).text, "there are 255"
    opened = fields(manager.get(PAGE).text)
    assert save(manager, opened, remove_value_2_17="true").status_code == 303
    assert manager.post(f"{PAGE}/variants", {"all": "true"}).status_code == 303
    assert len(sold(buyer)) == 240


def test_a_variant_of_a_draft_is_sold_with_it(manager: Staff, buyer: Person) -> None:
    details = {"name": "Tee", "price": "20.00"}
    assert manager.post("/admin/products/tee", details | {"status": "draft"}).status_code == 303
    assert manager.post(f"{PAGE}/variants", {"choice_1": "Blue", "choice_2": "M", "stock": "2"}).status_code == 303
    assert buyer.api("GET", "/products/tee").status_code == 404
    assert manager.post("/admin/products/tee", details | {"status": "active"}).status_code == 303
    assert ["Blue", "M"] in sold(buyer)


def test_a_product_without_options_has_no_such_page(manager: Staff) -> None:
    for path in ("sock", "nobody"):
        assert manager.get(f"/admin/products/{path}/options").status_code == 404
        assert manager.post(f"/admin/products/{path}/options").status_code == 404


def test_a_value_without_a_variant_is_said_and_not_shown_in_the_shop(manager: Staff, buyer: Person) -> None:
    assert save(manager, fields(manager.get(PAGE).text), more_2="XL").status_code == 303
    page = manager.get(PAGE).text
    assert "There is no variant yet for XL." in page
    assert '<a href="#add">Add a variant</a>' in page
    assert 'value="XL"' not in buyer.get("/products/tee").text
    manager.post(f"{PAGE}/variants", {"choice_1": "Blue", "choice_2": "XL", "stock": "7"})
    assert 'value="XL"' in buyer.get("/products/tee").text
    assert save(manager, fields(manager.get(PAGE).text), option_1="Color").status_code == 303
    assert "There is no variant yet" not in manager.get(PAGE).text
