"""Suggestions without a model, and the attribution of accepted suggestions on the order."""

import re
from html.parser import HTMLParser

import pytest

from tests.conftest import Person
from tests.upsell.conftest import add_products, stored_impressions, train


def suggested(person: Person, cart_id: str) -> dict[str, str]:
    """Explanations of the API's suggestions by product id."""
    answer = person.api("GET", f"/carts/{cart_id}/upsell")
    assert answer.status_code == 200, answer.text
    return {one["product"]["id"]: one["explanation"] for one in answer.json["suggestions"]}


def test_explanations_contain_the_number_of_orders(shopper: Person) -> None:
    for _ in range(3):
        shopper.checkout(shopper.cart(beans=1, honey=1))
    shopper.checkout(shopper.cart(beans=5, pot=2))
    shopper.checkout(shopper.cart(honey=1, cup=1))
    train(shopper.client.application)
    assert suggested(shopper, shopper.cart(beans=1)) == {
        "honey": "Often bought together with your Dawn Beans: 3 orders so far.",
        "pot": "Bought together with your Dawn Beans in 1 order.",
        "cup": "Goes well with espresso, like your Dawn Beans.",
    }


def test_orders_of_another_tenant_are_not_counted(shopper: Person, stranger: Person) -> None:
    """Both tenants have a product with the id `shared`."""
    for _ in range(3):
        stranger.checkout(stranger.cart(shared=1, pen=1))
    for shop in ("north", "south"):
        train(shopper.client.application, shop)
    assert "ought together" not in str(suggested(shopper, shopper.cart(shared=1)))
    assert "3件の注文" in suggested(stranger, stranger.cart(shared=1))["pen"], (
        "the tenant 'south' has Japanese as its language"
    )


def test_only_products_in_stock_and_not_in_the_cart_are_suggested(shopper: Person, stranger: Person) -> None:
    shopper.checkout(shopper.cart(beans=1, cup=2))
    train(shopper.client.application)
    found = suggested(shopper, shopper.cart(beans=1, pot=1))
    assert next(iter(found)) == "cup"
    assert set(found) <= {"cup", "honey", "shared"}, "the filters are sold out"
    shopper.checkout(shopper.cart(cup=1))
    assert shopper.stock("cup") == 0
    found = suggested(shopper, shopper.cart(beans=1))
    assert "pot" in found
    assert set(found) <= {"pot", "honey", "shared"}
    assert set(suggested(stranger, stranger.cart(pen=1))) == {"ink", "paper"}


def test_sold_out_products_do_not_crowd_out_available_ones(shopper: Person) -> None:
    """Of 23 similar teapots, only the last three of the catalogue are in stock."""
    pots = [{"id": f"t{i}", "name": f"Teapot {i}", "stock": 0} for i in range(20)]
    add_products(
        shopper.client.application, [*pots, *(dict(pot, id=f"{pot['id']}-left", stock=5) for pot in pots[-3:])]
    )
    assert set(suggested(shopper, shopper.cart(**{"t17-left": 1}))) == {"t18-left", "t19-left"}


def test_a_product_without_relations_has_no_suggestions(shopper: Person) -> None:
    add_products(shopper.client.application, [{"id": "odd", "name": "Umbrella"}])
    cart_id = shopper.cart(odd=1)
    answer = shopper.api("GET", f"/carts/{cart_id}/upsell")
    assert (answer.json["suggestions"], answer.json["source"], answer.json["arm"]) == ([], None, "rules")
    assert suggested(shopper, shopper.cart(odd=1, beans=1)), "the beans have suggestions"


def test_an_empty_cart_has_no_suggestions(shopper: Person) -> None:
    assert suggested(shopper, shopper.cart()) == {}
    assert "data-suggestion" not in shopper.get("/checkout/upsell").text
    assert stored_impressions(shopper.client.application) == []


def test_explanations_with_very_long_names_have_at_most_160_characters(shopper: Person) -> None:
    tag = "t" * 60
    products = [{"id": f"n{i}", "name": f"{i}" + "n" * 199, "tags": [tag], "category": f"{i}" * 80} for i in range(4)]
    add_products(shopper.client.application, products)
    shopper.checkout(shopper.cart(n0=1, n1=1))
    explanations = suggested(shopper, shopper.cart(n0=1))
    assert len(explanations) == 3
    assert all(len(explanation) <= 160 for explanation in explanations.values())


@pytest.mark.parametrize(
    "name", ['Cup "1" OR (2)', "AND NOT *", "'; DROP TABLE product --", "a:b & !c | d <-> e", "日本茶", "💧"]
)
def test_any_product_name_is_safe_in_a_full_text_query(shopper: Person, name: str) -> None:
    """Names and tags of the cart are part of the database's full-text query."""
    add_products(shopper.client.application, [{"id": "odd", "name": name, "tags": [name, "sweet"]}])
    assert "honey" in suggested(shopper, shopper.cart(odd=1))


def test_an_unknown_cart_and_another_tenants_cart_are_not_found(shopper: Person, stranger: Person) -> None:
    cart_id = shopper.cart(shared=1)
    for unknown_id in ("nothing", "x" * 300):
        assert shopper.api("GET", f"/carts/{unknown_id}/upsell").status_code == 404
    assert stranger.api("GET", f"/carts/{cart_id}/upsell").status_code == 404
    assert shopper.api("GET", f"/carts/{cart_id}/upsell").status_code == 200
    assert stored_impressions(shopper.client.application, "south") == []


def test_the_order_response_contains_suggestions(shopper: Person) -> None:
    """The last displayed suggestions without the ordered products; if there are none, suggestions of the rules."""
    placed = shopper.checkout(shopper.cart(honey=1)).json["upsell"]
    assert (placed["enabled"], placed["arm"], placed["source"]) == (True, "rules", "rules")
    assert [one["product"]["id"] for one in placed["suggestions"]][:1] == ["shared"]
    assert "honey" not in str(placed["suggestions"])

    cart_id = shopper.cart(beans=1)
    displayed = shopper.api("GET", f"/carts/{cart_id}/upsell").json
    shopper.api("POST", f"/carts/{cart_id}/items", {"product_id": "pot", "quantity": 1})
    placed = shopper.checkout(cart_id).json["upsell"]
    assert placed["call_id"] == displayed["call_id"]
    assert [one for one in displayed["suggestions"] if one["product"]["id"] == "cup"] == placed["suggestions"]


class Forms(HTMLParser):
    """The forms of a page as (action, hidden fields)."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[tuple[str, dict[str, str]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        if tag == "form":
            self.forms.append((found["action"], {}))
        elif tag == "input" and found.get("type") == "hidden" and self.forms:
            self.forms[-1][1][found["name"]] = found["value"]


def from_upsell(person: Person, order_id: str) -> dict[str, bool]:
    """`from_upsell` of each order line by product id."""
    lines = person.api("GET", f"/orders/{order_id}").json["items"]
    return {line["product_id"]: line["from_upsell"] for line in lines}


def place_order_on_page(person: Person) -> str:
    """Place the order of the session's cart and return its id."""
    placed = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    return re.sub(r".*/orders/", "", placed.location)


def test_a_suggestion_added_from_the_panel_is_marked_on_the_order(shopper: Person) -> None:
    shopper.post("/cart/items", {"product_id": "beans"})
    forms = Forms(shopper.get("/checkout/upsell").text).forms
    action, hidden = next((action, hidden) for action, hidden in forms if hidden["product_id"] == "cup")
    answer = shopper.client.post(action, data=hidden)
    assert (answer.status_code, answer.location.split("?")[0]) == (303, "/t/north/checkout")
    shopper.post("/cart/items", {"product_id": "honey"})
    order_id = place_order_on_page(shopper)
    assert from_upsell(shopper, order_id) == {"beans": False, "cup": True, "honey": False}
    assert shopper.get(f"/orders/{order_id}").text.count("recommended for you") == 1


def test_a_suggestion_added_through_the_api_is_marked_on_the_order(shopper: Person) -> None:
    cart_id = shopper.cart(beans=1)
    call_id = shopper.api("GET", f"/carts/{cart_id}/upsell").json["call_id"]
    for id, call in (("cup", call_id), ("pot", None)):
        shopper.api("POST", f"/carts/{cart_id}/items", {"product_id": id, "quantity": 1, "upsell_call_id": call})
    assert from_upsell(shopper, shopper.checkout(cart_id).json["id"]) == {"beans": False, "cup": True, "pot": False}


def test_a_call_id_that_is_invalid_or_of_another_cart_marks_nothing(shopper: Person, stranger: Person) -> None:
    cart_id, other = shopper.cart(beans=1), shopper.cart(beans=1)
    own_call, other_carts_call = (shopper.api("GET", f"/carts/{id}/upsell").json["call_id"] for id in (cart_id, other))
    other_tenants_call = stranger.api("GET", f"/carts/{stranger.cart(shared=1)}/upsell").json["call_id"]
    attempts = {
        "cup": other_carts_call,
        "pot": "made-up",
        "shared": other_tenants_call,
        "honey": own_call,
    }  # honey was not suggested
    for id, call in attempts.items():
        body = {"product_id": id, "quantity": 1, "upsell_call_id": call}
        assert shopper.api("POST", f"/carts/{cart_id}/items", body).status_code == 200
    marked = from_upsell(shopper, shopper.checkout(cart_id).json["id"])
    assert marked == dict.fromkeys(("beans", *attempts), False)


@pytest.mark.parametrize("call", ["made-up", "", "x" * 5000, "\0", "é"])
def test_an_invalid_call_id_in_a_form_marks_nothing(shopper: Person, call: str) -> None:
    shopper.post("/cart/items", {"product_id": "beans"})
    shopper.get("/checkout/upsell")
    assert shopper.post("/cart/items", {"product_id": "cup", "upsell": call, "next": "checkout"}).status_code == 303
    assert from_upsell(shopper, place_order_on_page(shopper)) == {"beans": False, "cup": False}


def add_suggestion(shopper: Person, product_id: str, price: str) -> str:
    """Add a suggestion that was displayed at this price; return the resulting page."""
    fields = {"product_id": product_id, "quantity": "1", "price": price, "next": "checkout"}
    answer = shopper.post("/cart/items", fields)
    assert answer.status_code == 303
    return shopper.client.get(answer.location).text


def test_a_suggestion_that_sold_out_meanwhile_is_not_added(shopper: Person) -> None:
    shopper.post("/cart/items", {"product_id": "beans"})
    stock = shopper.stock("cup")
    shopper.checkout(shopper.cart(cup=stock))
    assert "has just sold out" in add_suggestion(shopper, "cup", "1250")
    assert 'name="product_id" value="cup"' not in shopper.get("/cart").text
    assert "/cart/items/cup" not in shopper.get("/cart").text
    add_suggestion(shopper, "pot", "3490")
    assert "/cart/items/pot" in shopper.get("/cart").text


def test_a_price_change_since_the_suggestion_is_announced(shopper: Person) -> None:
    shopper.post("/cart/items", {"product_id": "beans"})
    price = str(shopper.api("GET", "/products/pot").json["price"]["amount"])
    assert " now." not in add_suggestion(shopper, "pot", price)
    assert "has changed to" in add_suggestion(shopper, "pot", "1")


def test_an_order_is_placed_although_its_suggestions_fail(
    shopper: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the engine broke")

    monkeypatch.setattr("storefront.upsell.actions.find_candidates_by_id", fail)
    placed = shopper.checkout(shopper.cart(beans=1))
    assert placed.status_code == 201
    assert (placed.json["upsell"]["enabled"], placed.json["upsell"]["suggestions"]) == (True, [])
    assert "no suggestions beside an order" in caplog.text
