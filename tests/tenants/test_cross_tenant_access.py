"""A stranger in `south` requests every route with ids of `north`, and learns and changes nothing."""

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
    Ids,
    Seen,
    address,
    belongings,
    cookie_of,
    every_row,
    furnish_south,
    nobodys,
)

BUYER = {"email": "ada@example.com", "name": "Ada"}
SENDS: dict[str, dict[str, Any]] = {
    "cart.add": {"product_id": PRODUCT, "quantity": "1", "upsell": CALL},
    "cart.set_item": {"quantity": "2"},
    "cart.promo": {"code": CODE},
    "checkout.place_order": {"cart_id": CART, **BUYER},
    "checkout.keep": BUYER,
    "cart_api.create_cart": {"items": [{"product_id": PRODUCT, "quantity": 1}]},
    "cart_api.add_item": {"product_id": PRODUCT, "quantity": 1, "upsell_call_id": CALL},
    "cart_api.set_item": {"quantity": 2},
    "cart_api.set_promo": {"code": CODE},
    "checkout_api.checkout": BUYER,
    "i18n.set_language": {"lang": "de"},
}
"""What each route takes in its body; a capital name stands for an id of that kind."""
KINDS = (PRODUCT, CART, CALL, CODE)


def routes(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route and method of a shop that is for shoppers. tests/staff/test_access.py tries those for staff."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] not in ("observability", "root_files") and access_of(app, rule) is None:
            for method in sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"}):
                yield rule, method


def ask(person: Person, rule: Rule, method: str, in_path: Ids, in_body: Ids, **kwargs: Any) -> Any:
    sent = fill(copy.deepcopy(SENDS.get(rule.endpoint, {})), in_body)
    as_json = rule.rule.startswith("/api/") and method not in ("GET", "DELETE")
    body = {} if method == "GET" else {"json": sent} if as_json else {"data": sent}
    return person.client.open(person.root + address(rule, in_path), method=method, **body, **kwargs)


def fill(value: Any, ids: Ids) -> Any:
    if isinstance(value, dict):
        return {name: fill(inner, ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [fill(inner, ids) for inner in value]
    return ids[value] if value in KINDS else value


@pytest.fixture
def north(shopper: Person) -> Ids:
    return belongings(shopper, "beans", "honey", "SUMMER10")


class South:
    """A new stranger for every trial, with carts of their own, so that trials don't meet."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        furnish_south(app)
        self.lasting = belongings(Person(app.test_client(), "south"), "ink", "paper", "HARU")

    def arrive(self, cookie: str | None = None) -> tuple[Person, Ids]:
        person = Person(self.app.test_client(), "south")
        cookie = cookie or cookie_of(self.app, "south", cart=person.cart(ink=1), shopper="somebody")
        person.client.set_cookie("shop", cookie, path="/t/south/")
        return person, self.lasting | {CART: person.cart(ink=1, paper=1)}


@pytest.fixture
def south(app: Flask) -> South:
    return South(app)


def test_every_route_that_takes_a_body_is_known_here(app: Flask):
    unknown = [
        rule.rule for rule, method in routes(app) if method in ("POST", "PUT", "PATCH") and rule.endpoint not in SENDS
    ]
    assert not unknown, f"say in SENDS what {unknown} take, so that strangers try them too"


def test_with_what_is_their_own_every_route_lets_strangers_in(app: Flask, south: South):
    for rule, method in routes(app):
        person, own = south.arrive()
        answer = ask(person, rule, method, own, own)
        assert answer.status_code < 400, f"{method} {rule.rule}: {answer.text}"
        answer.close()


@pytest.mark.parametrize("where", ["path", "body"])
def test_what_the_north_has_looks_in_the_south_as_if_nobody_had_it(app: Flask, south: South, north: Ids, where: str):
    before = every_row(app, "north")
    for rule, method in routes(app):
        kinds = sorted(kinds_in_path(rule) if where == "path" else kinds_in_body(rule))
        for kind in kinds:
            seen = []
            for whose in (north, nobodys()):
                person, own = south.arrive()
                tried = own | {kind: whose[kind]}
                in_path, in_body = (tried, own) if where == "path" else (own, tried)
                seen.append(Seen.of(ask(person, rule, method, in_path, in_body), tried))
            assert seen[0] == seen[1], f"{method} {rule.rule} with the north's {kind}"
            if kind != CALL:
                expected = 422 if kind == CODE else 404
                assert seen[0].status == expected, f"{method} {rule.rule} with the north's {kind}: {seen[0]}"
    assert every_row(app, "north") == before


def kinds_in_path(rule: Rule) -> set[str]:
    return {NAMES_IN_PATHS[name] for name in rule.arguments if name in NAMES_IN_PATHS}


def kinds_in_body(rule: Rule) -> set[str]:
    return {kind for kind in KINDS if f"'{kind}'" in repr(list(values_of(SENDS.get(rule.endpoint, {}))))}


def values_of(value: Any) -> Iterator[Any]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from values_of(inner)
    else:
        yield value


def test_the_cookie_of_one_shop_is_no_cookie_in_another(app: Flask, shopper: Person, south: South, north: Ids):
    shopper.post("/cart/items", {"product_id": "beans", "quantity": "2"})
    stolen = shopper.client.get_cookie("shop", path="/t/north/").value
    before = every_row(app, "north")
    for rule, method in routes(app):
        seen = []
        for cookie in (stolen, "nobody-signed-this"):
            person, own = south.arrive(cookie)
            seen.append(Seen.of(ask(person, rule, method, own, own), own))
        assert seen[0] == seen[1], f"{method} {rule.rule} with the north's cookie"
        assert "Dawn Beans" not in seen[0].body
    assert every_row(app, "north") == before
    assert "Dawn Beans" in shopper.get("/cart").text


def test_a_session_that_names_the_norths_cart_has_no_cart_in_the_south(app: Flask, south: South, north: Ids):
    before = every_row(app, "north")
    for rule, method in routes(app):
        seen = []
        for cart_id in (north[CART], nobodys()[CART]):
            person, own = south.arrive(cookie_of(app, "south", cart=cart_id, shopper="somebody"))
            seen.append(Seen.of(ask(person, rule, method, own, own), own))
        assert seen[0] == seen[1], f"{method} {rule.rule} with the north's cart in the session"
    assert every_row(app, "north") == before
    thief = Person(app.test_client(), "north")
    thief.client.set_cookie("shop", cookie_of(app, "north", cart=north[CART]), path="/t/north/")
    assert "Dawn Beans" in thief.get("/cart").text


def test_an_idempotency_key_means_nothing_in_another_shop(shopper: Person, stranger: Person):
    mine = shopper.checkout(shopper.cart(beans=1), key="the same words")
    theirs = stranger.checkout(stranger.cart(ink=1), key="the same words")
    assert (mine.status_code, theirs.status_code) == (201, 201)
    assert mine.json["id"] != theirs.json["id"]
    assert [item["product_id"] for item in theirs.json["items"]] == ["ink"]
    refused = shopper.checkout(shopper.cart(beans=1), key="the same words")
    assert refused.status_code == 422


def test_under_the_same_id_each_shop_sells_its_own(shopper: Person, stranger: Person):
    ours, theirs = (who.api("GET", "/products/shared").json for who in (shopper, stranger))
    assert (ours["name"], ours["price"]) == ("North's own", {"amount": 100, "currency": "EUR"})
    assert (theirs["name"], theirs["price"]) == ("South's own", {"amount": 100, "currency": "JPY"})
    assert stranger.checkout(stranger.cart(shared=7)).status_code == 201
    assert (stranger.stock("shared"), shopper.stock("shared")) == (0, 20)


def test_lists_and_searches_meet_only_the_shops_own(shopper: Person, stranger: Person):
    for path in ("", "?q=espresso", "?category=Coffee", "?in_stock=true", "?q=own"):
        for who, others in ((shopper, {"pen", "ink", "paper"}), (stranger, {"beans", "pot", "cup", "honey"})):
            items = who.api("GET", f"/products{path}").json["items"]
            assert not {item["id"] for item in items} & others
    assert len(shopper.api("GET", "/products").json["items"]) == 6
    assert len(stranger.api("GET", "/products").json["items"]) == 4
    cursor = shopper.api("GET", "/products?limit=1").json["next_cursor"]
    assert not {item["id"] for item in stranger.api("GET", f"/products?cursor={cursor}").json["items"]} & {"pot"}
