"""A tenant's merchandising rules in catalog.json: categories, pins, exclusions. They also bind the model's choice."""

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
from tests.upsell.conftest import train
from tests.upsell.model_server import ModelServer

POTS = ["pot", "pot2", "pot3"]
ShopperWithRules = Callable[..., Person]


def catalogue(**rules: Any) -> bytes:
    """The tests' catalogue with three pots, and these merchandising rules of the tenant "north"."""
    found = json.loads(CATALOG.read_text())
    north = found["tenants"][0]
    products = {product["id"]: product for product in north["products"]}
    north["products"] += [products["pot"] | {"id": id, "name": f"Café Pot {id}"} for id in POTS[1:]]
    north["upsell"] = rules
    return json.dumps(found).encode()


@pytest.fixture(params=["rules", "model"])
def shopper_with_rules(
    request: pytest.FixtureRequest, make_app: Callable[..., Flask], model: ModelServer
) -> ShopperWithRules:
    """Return a factory of shoppers whose tenant has these rules, once without and once with a model."""

    def make(**rules: Any) -> Person:
        app = make_app(**({"OPENAI_BASE_URL": model.address, "UPSELL_TIMEOUT": "10"} if use_model else {}))
        with app.app_context():
            import_catalog(catalogue(**rules), update_existing=True)
            registry().invalidate()
        return Person(app.test_client(), "north")

    use_model = request.param == "model"
    model.behave = server.good
    return make


pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def suggested(person: Person, **cart: int) -> dict[str, str]:
    upsell = person.api("GET", f"/carts/{person.cart(**cart)}/upsell").json
    configured = state_of(person.client.application).settings.model_configured
    assert upsell["source"] == ("llm" if configured else "rules")
    return {one["product"]["id"]: one["explanation"] for one in upsell["suggestions"]}


def category(id: str) -> str:
    return {"beans": "Coffee", "cup": "Tableware", "honey": "Pantry", "shared": "Pantry"}.get(id, "Brewers")


def test_at_most_one_product_per_category_is_suggested(shopper_with_rules: ShopperWithRules) -> None:
    found = list(suggested(shopper_with_rules(), beans=1))
    assert len({category(id) for id in found}) == len(found) > 1


def test_several_products_of_a_category_are_suggested_if_allowed(
    shopper_with_rules: ShopperWithRules, model: ModelServer
) -> None:
    def three_pots(exchange: server.Exchange) -> None:
        server.suggest([{"product_id": id, "explanation": "It brews."} for id in POTS])(exchange)

    model.behave = three_pots
    assert set(suggested(shopper_with_rules(one_per_category=False), beans=1)) == set(POTS)


def test_one_product_per_category_applies_to_the_models_choice(
    shopper_with_rules: ShopperWithRules, model: ModelServer
) -> None:
    def pots_and_cup(exchange: server.Exchange) -> None:
        ids = [*[id for id in exchange.request.known_ids if id in POTS][:2], "cup"]
        server.suggest([{"product_id": id, "explanation": "It goes with it."} for id in ids])(exchange)

    model.behave = pots_and_cup
    found = list(suggested(shopper_with_rules(), beans=1))
    assert len([id for id in found if id in POTS]) == 1
    assert "cup" in found


def test_categories_in_the_cart_are_barred_if_configured(shopper_with_rules: ShopperWithRules) -> None:
    assert "pot2" in suggested(shopper_with_rules(), pot=1, beans=1, pot3=1)
    found = suggested(shopper_with_rules(bar_categories_in_cart=True), pot=1, beans=1, pot3=1)
    assert found
    assert not {category(id) for id in found} & {"Brewers", "Coffee"}


def test_a_pinned_product_is_first_with_the_tenants_explanation(shopper_with_rules: ShopperWithRules) -> None:
    pin = {"with": "beans", "suggest": "honey"}
    person = shopper_with_rules(pins=[pin | {"why": "Honey in coffee: try it."}])
    found = suggested(person, beans=1)
    assert next(iter(found)) == "honey"
    if not state_of(person.client.application).settings.model_configured:
        assert found["honey"] == "Honey in coffee: try it."
        assert suggested(shopper_with_rules(pins=[pin]), beans=1)["honey"] == "We recommend this with your Dawn Beans."
    assert next(iter(suggested(person, cup=1))) != "honey", "it isn't pinned to the cup"
    assert "honey" not in suggested(person, beans=1, honey=1)


def test_a_pinned_product_is_suggested_without_the_models_choice(
    shopper_with_rules: ShopperWithRules, model: ModelServer
) -> None:
    model.behave = server.suggest([{"product_id": "cup", "explanation": "Drink from it."}])
    found = suggested(shopper_with_rules(pins=[{"with": "beans", "suggest": "shared", "why": "Because."}]), beans=1)
    assert next(iter(found.items())) == ("shared", "Because.")
    assert "cup" in found


def test_a_pinned_product_that_is_sold_out_is_not_suggested(shopper_with_rules: ShopperWithRules) -> None:
    found = suggested(shopper_with_rules(pins=[{"with": "beans", "suggest": "filter"}]), beans=1)
    assert found
    assert "filter" not in found


def test_an_excluded_product_is_never_suggested(shopper_with_rules: ShopperWithRules, model: ModelServer) -> None:
    person = shopper_with_rules(exclude=["honey", *POTS])
    for _ in range(3):
        person.checkout(person.cart(beans=1, honey=1))
    train(person.client.application)
    model.behave = server.suggest([{"product_id": id, "explanation": "Buy it."} for id in ("honey", "cup")])
    found = suggested(person, beans=1)
    assert "cup" in found
    assert not {"honey", *POTS} & set(found)
    person = shopper_with_rules()
    person.checkout(person.cart(beans=1, honey=1))
    train(person.client.application)
    assert "honey" in suggested(person, beans=1, shared=1), "without the exclusion it is suggested"


def test_merchandising_rules_do_not_affect_other_tenants(shopper_with_rules: ShopperWithRules) -> None:
    stranger = Person(shopper_with_rules(exclude=["shared"]).client, "south")
    assert "shared" in suggested(stranger, paper=1)


INVALID_RULES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "pin of an unknown product": ({"pins": [{"with": "beans", "suggest": "nosuch"}]}, ("pins", "nosuch")),
    "pin with an unknown product": ({"pins": [{"with": "nosuch", "suggest": "cup"}]}, ("pins", "nosuch")),
    "pin of another tenant's product": ({"pins": [{"with": "beans", "suggest": "ink"}]}, ("pins", "ink")),
    "pin without suggest": ({"pins": [{"with": "beans"}]}, ("pins", "suggest")),
    "explanation too long": (
        {"pins": [{"with": "beans", "suggest": "cup", "why": "w" * 161}]}, ("pins", "why", "160")
    ),
    "exclusion of an unknown product": ({"exclude": ["nosuch"]}, ("exclude", "nosuch")),
    "exclusions not a list": ({"exclude": "honey"}, ("exclude",)),
    "one_per_category not a boolean": ({"one_per_category": "yes"}, ("one_per_category",)),
    "bar_categories_in_cart not a boolean": ({"bar_categories_in_cart": 1}, ("bar_categories_in_cart",)),
    "budget not a number": ({"budget": "plenty"}, ("budget", "200000/300000 tokens")),
    "soft budget above the hard one": ({"budget": "300/200 tokens"}, ("budget", "soft")),
    "cart value not an amount": ({"budget_cart_above": "much"}, ("budget_cart_above",)),
    "cart value with too many decimals": ({"budget_cart_above": "1.005"}, ("budget_cart_above",)),
    "unknown rule": ({"one_per_kind": True}, ("one_per_kind",)),
}  # fmt: skip


@pytest.mark.parametrize(("rules", "mentioned"), INVALID_RULES.values(), ids=INVALID_RULES)
def test_invalid_rules_are_rejected_with_tenant_and_field(
    app: Flask, rules: dict[str, Any], mentioned: tuple[str, ...]
) -> None:
    with app.app_context():
        import_catalog(catalogue(one_per_category=False), update_existing=True)
        with pytest.raises(CatalogError) as error:
            import_catalog(catalogue(**rules), update_existing=True)
        for word in ("'north'", "upsell", *mentioned):
            assert word in str(error.value)
        registry().invalidate()
        north = registry().find("north")
        assert north
        assert north.upsell.one_per_category is False, "the stored rules are unchanged"
