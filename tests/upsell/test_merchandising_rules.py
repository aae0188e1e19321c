"""What a shop may wish of its suggestions in catalog.json: kinds, pins, exclusions. The model is held to it too."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from storefront.catalog.importer import import_catalog
from storefront.catalog.json_file import CatalogError
from storefront.state import state_of
from storefront.tenants.registry import registry
from tests.conftest import CATALOG, Person
from tests.upsell import model_server as server
from tests.upsell.conftest import teach
from tests.upsell.model_server import ModelServer

POTS = ["pot", "pot2", "pot3"]
Wishing = Callable[..., Person]


def catalogue(**wishes: Any) -> bytes:
    """The tests' catalogue with three pots and some filters in stock, and these wishes of the north."""
    found = json.loads(CATALOG.read_text())
    north = found["tenants"][0]
    products = {product["id"]: product for product in north["products"]}
    north["products"] += [products["pot"] | {"id": id, "name": f"Café Pot {id}"} for id in POTS[1:]]
    north["upsell"] = wishes
    return json.dumps(found).encode()


@pytest.fixture(params=["rules", "model"])
def wishing(request: pytest.FixtureRequest, make_app: Callable[..., Flask], model: ModelServer) -> Wishing:
    """A shopper of a shop with these wishes; in the model's arm it names all that it may, the last first."""

    def wish(**wishes: Any) -> Person:
        app = make_app(**({"OPENAI_BASE_URL": model.address, "UPSELL_TIMEOUT": "10"} if use_model else {}))
        with app.app_context():
            import_catalog(catalogue(**wishes), update_existing=True)
            registry().invalidate()
        return Person(app.test_client(), "north")

    use_model = request.param == "model"
    model.behave = server.good
    return wish


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def suggested(person: Person, **cart: int) -> dict[str, str]:
    upsell = person.api("GET", f"/carts/{person.cart(**cart)}/upsell").json
    configured = state_of(person.client.application).settings.model_configured
    assert upsell["source"] == ("llm" if configured else "rules")
    return {one["product"]["id"]: one["explanation"] for one in upsell["suggestions"]}


def category(id: str) -> str:
    return {"beans": "Coffee", "cup": "Tableware", "honey": "Pantry", "shared": "Pantry"}.get(id, "Brewers")


def test_one_of_a_category_is_suggested(wishing: Wishing) -> None:
    found = list(suggested(wishing(), beans=1))
    assert len({category(id) for id in found}) == len(found) > 1


def test_several_of_a_category_when_the_shop_wants_them(wishing: Wishing, model: ModelServer) -> None:
    def three_pots(exchange: server.Exchange) -> None:
        server.suggest([{"product_id": id, "explanation": "It brews."} for id in POTS])(exchange)

    model.behave = three_pots
    assert set(suggested(wishing(one_per_category=False), beans=1)) == set(POTS)


def test_a_model_that_names_three_of_a_category_has_one_of_them_shown(wishing: Wishing, model: ModelServer) -> None:
    def pots_and_cup(exchange: server.Exchange) -> None:
        ids = [*[id for id in exchange.request.known_ids if id in POTS][:2], "cup"]
        server.suggest([{"product_id": id, "explanation": "It goes with it."} for id in ids])(exchange)

    model.behave = pots_and_cup
    found = list(suggested(wishing(), beans=1))
    assert len([id for id in found if id in POTS]) == 1
    assert "cup" in found


def test_categories_in_the_cart_are_barred_when_the_shop_says_so(wishing: Wishing) -> None:
    assert "pot2" in suggested(wishing(), pot=1, beans=1, pot3=1)
    found = suggested(wishing(bar_categories_in_cart=True), pot=1, beans=1, pot3=1)
    assert found
    assert not {category(id) for id in found} & {"Brewers", "Coffee"}


def test_what_is_pinned_comes_first_with_the_shops_words(wishing: Wishing) -> None:
    pin = {"with": "beans", "suggest": "honey"}
    person = wishing(pins=[pin | {"why": "Honey in coffee: try it."}])
    found = suggested(person, beans=1)
    assert next(iter(found)) == "honey"
    if not state_of(person.client.application).settings.model_configured:
        assert found["honey"] == "Honey in coffee: try it."
        assert suggested(wishing(pins=[pin]), beans=1)["honey"] == "We recommend this with your Dawn Beans."
    assert next(iter(suggested(person, cup=1))) != "honey", "with the cup it was not pinned"
    assert "honey" not in suggested(person, beans=1, honey=1)


def test_a_pin_is_shown_even_when_the_model_does_not_name_it(wishing: Wishing, model: ModelServer) -> None:
    model.behave = server.suggest([{"product_id": "cup", "explanation": "Drink from it."}])
    found = suggested(wishing(pins=[{"with": "beans", "suggest": "shared", "why": "Because."}]), beans=1)
    assert next(iter(found.items())) == ("shared", "Because.")
    assert "cup" in found


def test_a_pin_that_is_sold_out_is_not_suggested(wishing: Wishing) -> None:
    found = suggested(wishing(pins=[{"with": "beans", "suggest": "filter"}]), beans=1)
    assert found
    assert "filter" not in found


def test_what_is_excluded_is_never_suggested(wishing: Wishing, model: ModelServer) -> None:
    person = wishing(exclude=["honey", *POTS])
    for _ in range(3):
        person.checkout(person.cart(beans=1, honey=1))
    teach(person.client.application)
    model.behave = server.suggest([{"product_id": id, "explanation": "Buy it."} for id in ("honey", "cup")])
    found = suggested(person, beans=1)
    assert "cup" in found
    assert not {"honey", *POTS} & set(found)
    person = wishing()
    person.checkout(person.cart(beans=1, honey=1))
    teach(person.client.application)
    assert "honey" in suggested(person, beans=1, shared=1), "without that wish it is"


def test_the_wishes_of_one_shop_are_not_anothers(wishing: Wishing) -> None:
    stranger = Person(wishing(exclude=["shared"]).client, "south")
    assert "shared" in suggested(stranger, paper=1)


FAULTY: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a pin of a product that isn't there": ({"pins": [{"with": "beans", "suggest": "nosuch"}]}, ("pins", "nosuch")),
    "a pin with a product that isn't there": ({"pins": [{"with": "nosuch", "suggest": "cup"}]}, ("pins", "nosuch")),
    "another shop's product": ({"pins": [{"with": "beans", "suggest": "ink"}]}, ("pins", "ink")),
    "a pin without its product": ({"pins": [{"with": "beans"}]}, ("pins", "suggest")),
    "words that are too long": (
        {"pins": [{"with": "beans", "suggest": "cup", "why": "w" * 161}]}, ("pins", "why", "160")
    ),
    "an exclusion that isn't there": ({"exclude": ["nosuch"]}, ("exclude", "nosuch")),
    "an exclusion that is no list": ({"exclude": "honey"}, ("exclude",)),
    "no yes or no": ({"one_per_category": "yes"}, ("one_per_category",)),
    "neither": ({"bar_categories_in_cart": 1}, ("bar_categories_in_cart",)),
    "a budget of words": ({"budget": "plenty"}, ("budget", "200000/300000 tokens")),
    "a budget upside down": ({"budget": "300/200 tokens"}, ("budget", "soft")),
    "a value that isn't an amount": ({"budget_cart_above": "much"}, ("budget_cart_above",)),
    "a value that the currency doesn't have": ({"budget_cart_above": "1.005"}, ("budget_cart_above",)),
    "a wish that there isn't": ({"one_per_kind": True}, ("one_per_kind",)),
}  # fmt: skip


@pytest.mark.parametrize(("wishes", "named"), FAULTY.values(), ids=FAULTY)
def test_faulty_wishes_are_refused_with_tenant_and_field(
    app: Flask, wishes: dict[str, Any], named: tuple[str, ...]
) -> None:
    with app.app_context():
        import_catalog(catalogue(one_per_category=False), update_existing=True)
        with pytest.raises(CatalogError) as refused:
            import_catalog(catalogue(**wishes), update_existing=True)
        for word in ("'north'", "upsell", *named):
            assert word in str(refused.value)
        registry().invalidate()
        north = registry().find("north")
        assert north
        assert north.upsell.one_per_category is False, "what was there is kept"
