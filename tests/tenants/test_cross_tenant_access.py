"""A client of `south` requests every route with ids of `north`, and neither sees nor changes anything."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from storefront.staff.access import access_of
from tests.conftest import Person
from tests.tenants.factories import (
    CALL,
    CART,
    CODE,
    NAMES_IN_PATHS,
    PRODUCT,
    ComparableResponse,
    Ids,
    cookie_of,
    create_objects,
    every_row,
    prepare_south,
    unknown_ids,
    url_path,
)

BUYER = {"email": "ada@example.com", "name": "Ada"}
REQUEST_BODIES: dict[str, dict[str, Any]] = {
    "cart.add": {"product_id": PRODUCT, "quantity": "1", "upsell": CALL},
    "cart.set_item": {"quantity": "2"},
    "cart.promo": {"code": CODE},
    "checkout.place_order": {"cart_id": CART, **BUYER},
    "checkout.keep": BUYER,
    "checkout.choose_delivery": BUYER,
    "cart_api.create_cart": {"items": [{"product_id": PRODUCT, "quantity": 1}]},
    "cart_api.add_item": {"product_id": PRODUCT, "quantity": 1, "upsell_call_id": CALL},
    "cart_api.set_item": {"quantity": 2},
    "cart_api.set_promo": {"code": CODE},
    "checkout_api.checkout": BUYER,
    "payments.pay": {},
    "payments.give_up_payment": {},
    "payments.retry": {},
    "i18n.set_language": {"lang": "de"},
}
"""The request body of each route; the constants are placeholders for ids of that type."""
ID_TYPES = (PRODUCT, CART, CALL, CODE)


OTHER_BLUEPRINTS = (
    *("observability", "root_files", "media", "payment_webhooks"),
    *("legal", "documents", "withdrawals"),
)
"""Routes without rows of a shop; tests/catalog/test_pictures.py has those of pictures, tests/documents/test_invoices.py
those of invoices, which exist of some orders only, tests/withdrawals those of shops in the EU. A webhook is signed with
the secret of a shop, and settles orders of that shop only: tests/payments."""


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Yield every route of a shop that is for shoppers with each of its methods. tests/staff/test_access.py tests the
    routes for staff."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] not in OTHER_BLUEPRINTS and access_of(app, rule) is None:
            for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def send(person: Person, rule: Rule, method: str, in_path: Ids, in_body: Ids, **kwargs: Any) -> Any:
    fields = fill(copy.deepcopy(REQUEST_BODIES.get(rule.endpoint, {})), in_body)
    as_json = rule.rule.startswith("/api/") and method not in ("GET", "DELETE")
    body = {} if method == "GET" else {"json": fields} if as_json else {"data": fields}
    return person.client.open(person.root + url_path(rule, in_path), method=method, **body, **kwargs)


def fill(value: Any, ids: Ids) -> Any:
    if isinstance(value, dict):
        return {name: fill(inner, ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, ids) for inner in value]
    return ids[value] if value in ID_TYPES else value


@pytest.fixture
def north(shopper: Person) -> Ids:
    return create_objects(shopper, "beans", "honey", "SUMMER10")


class SouthClients:
    """Creates a new client of `south` with its own carts for each request, so that requests are independent."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        prepare_south(app)
        self.objects = create_objects(Person(app.test_client(), "south"), "ink", "paper", "HARU")

    def new_client(self, cookie: str | None = None) -> tuple[Person, Ids]:
        person = Person(self.app.test_client(), "south")
        cookie = cookie or cookie_of(self.app, "south", cart=person.cart(ink=1), shopper="another-shopper")
        person.client.set_cookie("shop", cookie, path="/t/south/")
        return person, self.objects | {CART: person.cart(ink=1, paper=1)}


@pytest.fixture
def south(app: Flask) -> SouthClients:
    return SouthClients(app)


def test_every_route_with_a_body_is_in_request_bodies(app: Flask):
    unknown = [
        rule.rule
        for rule, method in routes(app)
        if method in ("POST", "PUT", "PATCH") and rule.endpoint not in REQUEST_BODIES
    ]
    assert not unknown, f"add {unknown} to REQUEST_BODIES"


def test_every_route_accepts_requests_with_own_ids(app: Flask, south: SouthClients):
    for rule, method in routes(app):
        person, own = south.new_client()
        answer = send(person, rule, method, own, own)
        assert answer.status_code < 400, f"{method} {rule.rule}: {answer.text}"
        answer.close()


@pytest.mark.parametrize("where", ["path", "body"])
def test_ids_of_another_shop_are_treated_like_unknown_ids(app: Flask, south: SouthClients, north: Ids, where: str):
    before = every_row(app, "north")
    for rule, method in routes(app):
        id_types = sorted(id_types_in_path(rule) if where == "path" else id_types_in_body(rule))
        for id_type in id_types:
            responses = []
            for ids in (north, unknown_ids()):
                person, own = south.new_client()
                mixed_ids = own | {id_type: ids[id_type]}
                in_path, in_body = (mixed_ids, own) if where == "path" else (own, mixed_ids)
                responses.append(ComparableResponse.of(send(person, rule, method, in_path, in_body), mixed_ids))
            assert responses[0] == responses[1], f"{method} {rule.rule} with the north's {id_type}"
            if id_type != CALL:
                expected = 422 if id_type == CODE else 404
                assert responses[0].status == expected, (
                    f"{method} {rule.rule} with the north's {id_type}: {responses[0]}"
                )
    assert every_row(app, "north") == before


def id_types_in_path(rule: Rule) -> set[str]:
    return {NAMES_IN_PATHS[name] for name in rule.arguments if name in NAMES_IN_PATHS}


def id_types_in_body(rule: Rule) -> set[str]:
    return {
        id_type
        for id_type in ID_TYPES
        if f"'{id_type}'" in repr(list(values_of(REQUEST_BODIES.get(rule.endpoint, {}))))
    }


def values_of(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from values_of(inner)
    else:
        yield value


def test_cookie_of_another_shop_is_ignored(app: Flask, shopper: Person, south: SouthClients, north: Ids):
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "2"})
    stolen = shopper.client.get_cookie("shop", path="/t/north/").value
    before = every_row(app, "north")
    for rule, method in routes(app):
        responses = []
        for cookie in (stolen, "unsigned-cookie"):
            person, own = south.new_client(cookie)
            responses.append(ComparableResponse.of(send(person, rule, method, own, own), own))
        assert responses[0] == responses[1], f"{method} {rule.rule} with the north's cookie"
        assert "Dawn Beans" not in responses[0].body
    assert every_row(app, "north") == before
    assert "Dawn Beans" in shopper.get("/cart").text


def test_session_with_a_cart_of_another_shop_has_no_cart(app: Flask, south: SouthClients, north: Ids):
    before = every_row(app, "north")
    for rule, method in routes(app):
        responses = []
        for cart_id in (north[CART], unknown_ids()[CART]):
            person, own = south.new_client(cookie_of(app, "south", cart=cart_id, shopper="another-shopper"))
            responses.append(ComparableResponse.of(send(person, rule, method, own, own), own))
        assert responses[0] == responses[1], f"{method} {rule.rule} with the north's cart in the session"
    assert every_row(app, "north") == before
    thief = Person(app.test_client(), "north")
    thief.client.set_cookie("shop", cookie_of(app, "north", cart=north[CART]), path="/t/north/")
    assert "Dawn Beans" in thief.get("/cart").text


def test_idempotency_keys_are_separate_per_shop(shopper: Person, stranger: Person):
    mine = shopper.checkout(shopper.cart(beans=1), key="the same key")
    theirs = stranger.checkout(stranger.cart(ink=1), key="the same key")
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json["id"] != theirs.json["id"]
    assert [item["product_id"] for item in theirs.json["items"]] == ["ink"]
    refused = shopper.checkout(shopper.cart(beans=1), key="the same key")
    assert refused.status_code == 422


def test_shops_can_have_products_with_equal_ids(shopper: Person, stranger: Person):
    ours, theirs = (client.api("GET", "/products/shared").json for client in (shopper, stranger))
    assert (ours["name"], ours["price"]) == ("North's own", {"amount": 100, "currency": "EUR"})
    assert (theirs["name"], theirs["price"]) == ("South's own", {"amount": 100, "currency": "JPY"})
    assert stranger.checkout(stranger.cart(shared=7)).status_code == 201
    assert (stranger.stock("shared"), shopper.stock("shared")) == (0, 20)


def test_lists_and_searches_return_own_products_only(shopper: Person, stranger: Person):
    for path in ("", "?q=espresso", "?category=Coffee", "?in_stock=true", "?q=own"):
        for client, others in ((shopper, {"pen", "ink", "paper"}), (stranger, {"beans", "pot", "cup", "honey"})):
            items = client.api("GET", f"/products{path}").json["items"]
            assert not {item["id"] for item in items} & others
    assert len(shopper.api("GET", "/products").json["items"]) == 6
    assert len(stranger.api("GET", "/products").json["items"]) == 4
    cursor = shopper.api("GET", "/products?limit=1").json["next_cursor"]
    assert not {item["id"] for item in stranger.api("GET", f"/products?cursor={cursor}").json["items"]} & {"pot"}
