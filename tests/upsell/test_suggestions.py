"""What is suggested without a model: true facts about this shop's own goods, and what comes of a suggestion taken."""

import re
from html.parser import HTMLParser

import pytest

from tests.conftest import Person
from tests.upsell.conftest import showings, stock, teach


def suggested(person: Person, cart_id: str) -> dict[str, str]:
    """Product ids and explanations, as a program sees them."""
    answer = person.api("GET", f"/carts/{cart_id}/upsell")
    assert answer.status_code == 200, answer.text
    return {one["product"]["id"]: one["explanation"] for one in answer.json["suggestions"]}


def test_the_counts_in_the_reasons_are_of_real_orders(shopper: Person) -> None:
    for _ in range(3):
        shopper.checkout(shopper.cart(beans=1, honey=1))
    shopper.checkout(shopper.cart(beans=5, pot=2))
    shopper.checkout(shopper.cart(honey=1, cup=1))
    teach(shopper.client.application)
    assert suggested(shopper, shopper.cart(beans=1)) == {
        "honey": "Often bought together with your Dawn Beans: 3 orders so far.",
        "pot": "Bought together with your Dawn Beans in 1 order.",
        "cup": "Goes well with espresso, like your Dawn Beans.",
    }


def test_the_orders_of_another_shop_say_nothing_here(shopper: Person, stranger: Person) -> None:
    """Both shops sell a product with the id `shared`."""
    for _ in range(3):
        stranger.checkout(stranger.cart(shared=1, pen=1))
    for shop in ("north", "south"):
        teach(shopper.client.application, shop)
    assert "ought together" not in str(suggested(shopper, shopper.cart(shared=1)))
    assert "3件の注文" in suggested(stranger, stranger.cart(shared=1))["pen"], "the shop in the south speaks Japanese"


def test_only_this_shops_products_in_stock_and_not_in_the_cart(shopper: Person, stranger: Person) -> None:
    shopper.checkout(shopper.cart(beans=1, cup=2))
    teach(shopper.client.application)
    found = suggested(shopper, shopper.cart(beans=1, pot=1))
    assert next(iter(found)) == "cup"
    assert set(found) <= {"cup", "honey", "shared"}, "the filters are sold out"
    shopper.checkout(shopper.cart(cup=1))
    assert shopper.stock("cup") == 0
    found = suggested(shopper, shopper.cart(beans=1))
    assert "pot" in found
    assert set(found) <= {"pot", "honey", "shared"}
    assert set(suggested(stranger, stranger.cart(pen=1))) == {"ink", "paper"}


def test_what_is_sold_out_does_not_stand_in_front_of_what_can_be_had(shopper: Person) -> None:
    """Twenty teapots are alike; the only ones left are the last of the catalogue."""
    pots = [{"id": f"t{i}", "name": f"Teapot {i}", "stock": 0} for i in range(20)]
    stock(shopper.client.application, [*pots, *(dict(pot, id=f"{pot['id']}-left", stock=5) for pot in pots[-3:])])
    assert set(suggested(shopper, shopper.cart(**{"t17-left": 1}))) == {"t18-left", "t19-left"}


def test_nothing_that_goes_with_it_is_no_suggestion(shopper: Person) -> None:
    stock(shopper.client.application, [{"id": "odd", "name": "Umbrella"}])
    cart_id = shopper.cart(odd=1)
    answer = shopper.api("GET", f"/carts/{cart_id}/upsell")
    assert (answer.json["suggestions"], answer.json["source"], answer.json["arm"]) == ([], None, "rules")
    assert suggested(shopper, shopper.cart(odd=1, beans=1)), "with the beans there is something"


def test_an_empty_cart_has_no_suggestions(shopper: Person) -> None:
    assert suggested(shopper, shopper.cart()) == {}
    assert "data-suggestion" not in shopper.get("/checkout/upsell").text
    assert showings(shopper.client.application) == []


def test_very_long_names_make_sentences_of_at_most_160_characters(shopper: Person) -> None:
    tag = "t" * 60
    long = [{"id": f"n{i}", "name": f"{i}" + "n" * 199, "tags": [tag], "category": f"{i}" * 80} for i in range(4)]
    stock(shopper.client.application, long)
    shopper.checkout(shopper.cart(n0=1, n1=1))
    explanations = suggested(shopper, shopper.cart(n0=1))
    assert len(explanations) == 3
    assert all(len(words) <= 160 for words in explanations.values())


@pytest.mark.parametrize(
    "name", ['Cup "1" OR (2)', "AND NOT *", "'; DROP TABLE product --", "a:b & !c | d <-> e", "日本茶", "💧"]
)
def test_any_name_can_be_looked_up(shopper: Person, name: str) -> None:
    """The words of the cart go into the database's full-text query."""
    stock(shopper.client.application, [{"id": "odd", "name": name, "tags": [name, "sweet"]}])
    assert "honey" in suggested(shopper, shopper.cart(odd=1))


def test_an_unknown_cart_and_another_shops_cart_have_no_suggestions(shopper: Person, stranger: Person) -> None:
    cart_id = shopper.cart(shared=1)
    for stray in ("nothing", "x" * 300):
        assert shopper.api("GET", f"/carts/{stray}/upsell").status_code == 404
    assert stranger.api("GET", f"/carts/{cart_id}/upsell").status_code == 404
    assert shopper.api("GET", f"/carts/{cart_id}/upsell").status_code == 200
    assert showings(shopper.client.application, "south") == []


def test_the_checkouts_answer_holds_suggestions(shopper: Person) -> None:
    """What was last shown for the cart, without what was bought of it; else what the rules find at once."""
    placed = shopper.checkout(shopper.cart(honey=1)).json["upsell"]
    assert (placed["enabled"], placed["arm"], placed["source"]) == (True, "rules", "rules")
    assert [one["product"]["id"] for one in placed["suggestions"]][:1] == ["shared"]
    assert "honey" not in str(placed["suggestions"])

    cart_id = shopper.cart(beans=1)
    shown = shopper.api("GET", f"/carts/{cart_id}/upsell").json
    shopper.api("POST", f"/carts/{cart_id}/items", {"product_id": "pot", "quantity": 1})
    placed = shopper.checkout(cart_id).json["upsell"]
    assert placed["call_id"] == shown["call_id"]
    assert [one for one in shown["suggestions"] if one["product"]["id"] == "cup"] == placed["suggestions"]


class Forms(HTMLParser):
    """The forms of a page: where each goes, and its hidden fields."""

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
    """Of each line, whether it came from a suggestion."""
    lines = person.api("GET", f"/orders/{order_id}").json["items"]
    return {line["product_id"]: line["from_upsell"] for line in lines}


def place(person: Person) -> str:
    """Place this browser's order and return its id."""
    placed = person.post("/checkout", {"email": "ada@example.com", "name": "Ada"})
    return re.sub(r".*/orders/", "", placed.location)


def test_a_suggestion_taken_from_the_panel_is_marked_on_the_order(shopper: Person) -> None:
    shopper.post("/cart/items", {"product_id": "beans"})
    forms = Forms(shopper.get("/checkout/upsell").text).forms
    action, hidden = next((action, hidden) for action, hidden in forms if hidden["product_id"] == "cup")
    answer = shopper.client.post(action, data=hidden)
    assert (answer.status_code, answer.location.split("?")[0]) == (303, "/t/north/checkout")
    shopper.post("/cart/items", {"product_id": "honey"})
    order_id = place(shopper)
    assert from_upsell(shopper, order_id) == {"beans": False, "cup": True, "honey": False}
    assert shopper.get(f"/orders/{order_id}").text.count("recommended for you") == 1


def test_a_suggestion_taken_by_a_program_is_marked_on_the_order(shopper: Person) -> None:
    cart_id = shopper.cart(beans=1)
    call_id = shopper.api("GET", f"/carts/{cart_id}/upsell").json["call_id"]
    for id, call in (("cup", call_id), ("pot", None)):
        shopper.api("POST", f"/carts/{cart_id}/items", {"product_id": id, "quantity": 1, "upsell_call_id": call})
    assert from_upsell(shopper, shopper.checkout(cart_id).json["id"]) == {"beans": False, "cup": True, "pot": False}


def test_a_made_up_call_or_one_of_another_cart_marks_nothing(shopper: Person, stranger: Person) -> None:
    cart_id, other = shopper.cart(beans=1), shopper.cart(beans=1)
    mine, others = (shopper.api("GET", f"/carts/{id}/upsell").json["call_id"] for id in (cart_id, other))
    souths = stranger.api("GET", f"/carts/{stranger.cart(shared=1)}/upsell").json["call_id"]
    attempts = {"cup": others, "pot": "made-up", "shared": souths, "honey": mine}  # honey was not suggested
    for id, call in attempts.items():
        body = {"product_id": id, "quantity": 1, "upsell_call_id": call}
        assert shopper.api("POST", f"/carts/{cart_id}/items", body).status_code == 200
    marked = from_upsell(shopper, shopper.checkout(cart_id).json["id"])
    assert marked == dict.fromkeys(("beans", *attempts), False)


@pytest.mark.parametrize("call", ["made-up", "", "x" * 5000, "\0", "é"])
def test_a_made_up_call_in_a_form_marks_nothing(shopper: Person, call: str) -> None:
    shopper.post("/cart/items", {"product_id": "beans"})
    shopper.get("/checkout/upsell")
    assert shopper.post("/cart/items", {"product_id": "cup", "upsell": call, "next": "checkout"}).status_code == 303
    assert from_upsell(shopper, place(shopper)) == {"beans": False, "cup": False}


def take(shopper: Person, product_id: str, price: str) -> str:
    """Press "Add" beside a suggestion that was shown at this price; the page that comes of it."""
    fields = {"product_id": product_id, "quantity": "1", "price": price, "next": "checkout"}
    answer = shopper.post("/cart/items", fields)
    assert answer.status_code == 303
    return shopper.client.get(answer.location).text


def test_a_suggestion_that_sold_out_meanwhile_is_not_put_into_the_cart(shopper: Person) -> None:
    shopper.post("/cart/items", {"product_id": "beans"})
    left = shopper.stock("cup")
    shopper.checkout(shopper.cart(cup=left))
    assert "has just sold out" in take(shopper, "cup", "1250")
    assert 'name="product_id" value="cup"' not in shopper.get("/cart").text
    assert "/cart/items/cup" not in shopper.get("/cart").text
    take(shopper, "pot", "3490")
    assert "/cart/items/pot" in shopper.get("/cart").text


def test_a_price_that_changed_since_it_was_suggested_is_said(shopper: Person) -> None:
    shopper.post("/cart/items", {"product_id": "beans"})
    price = str(shopper.api("GET", "/products/pot").json["price"]["amount"])
    assert " now." not in take(shopper, "pot", price)
    assert "has changed to" in take(shopper, "pot", "1")


def test_an_order_stands_whatever_goes_wrong_with_its_suggestions(
    shopper: Person, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("the engine broke")

    monkeypatch.setattr("storefront.upsell.actions.find_candidates_by_id", break_down)
    placed = shopper.checkout(shopper.cart(beans=1))
    assert placed.status_code == 201
    assert (placed.json["upsell"]["enabled"], placed.json["upsell"]["suggestions"]) == (True, [])
    assert "no suggestions beside an order" in caplog.text
