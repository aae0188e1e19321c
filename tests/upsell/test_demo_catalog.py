"""A new user's first checkout: no model, no orders, and still three suggestions with reasons worth reading."""

import json
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from storefront import create_app
from storefront.config import ROOT
from storefront.db.tenant_context import tenant_context
from storefront.i18n.content import language_of
from storefront.i18n.locale import override_locale
from storefront.i18n.negotiation import LANGUAGES, fallback_languages
from storefront.server.bootstrap import prepare
from storefront.tenants.registry import registry
from storefront.upsell.recommender.candidates import find_candidates_by_id
from storefront.upsell.selection import MAX_SUGGESTIONS, select_top
from storefront.upsell.types import SuggestionDraft
from tests.conftest import dispose, settings_for

CATALOG = ROOT / "catalog.json"
SHOPS: dict[str, dict[str, Any]] = {shop["id"]: shop for shop in json.loads(CATALOG.read_text())["tenants"]}
EACH_SHOP = pytest.mark.parametrize("shop", SHOPS)
SPOKEN = {"aurora": ("en", "de"), "fjell": ("en",), "kami": ("ja", "en")}
"""The languages in which each shop describes its products, its own first."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """What `make run` serves at the first start."""
    folder: Path = tmp_path_factory.mktemp("demo")
    app = create_app(settings_for(f"sqlite:///{folder}/shop.db", folder, CATALOG=str(CATALOG)))
    prepare(app)
    yield app
    dispose(app)


def suggest(app: Flask, shop: str, product_ids: tuple[str, ...], language: str) -> list[SuggestionDraft]:
    with app.app_context(), tenant_context(shop):
        tenant = registry().all()[shop]
        with override_locale(language, fallback_languages(language, (language,), tenant.locale)):
            return select_top(find_candidates_by_id(tenant, product_ids).candidates, tenant.upsell)


def products(shop: str) -> dict[str, dict[str, Any]]:
    return {product["id"]: product for product in SHOPS[shop]["products"]}


@EACH_SHOP
def test_each_product_by_itself_leads_to_three_suggestions_in_the_shops_words(demo: Flask, shop: str) -> None:
    own = SPOKEN[shop]
    for id, product in products(shop).items():
        why = {other["id"]: other["why"] for other in product["goes_with"]}
        for language in LANGUAGES:
            found = suggest(demo, shop, (id,), language)
            assert len(found) == MAX_SUGGESTIONS, (id, language, found)
            said = language if language in own else ("en" if "en" in own else own[0])
            for one in found:
                assert one.explanation == why[one.product_id][said], (id, language)
                assert language_of(one.explanation) == ("" if said == language else said), (id, language)


@EACH_SHOP
def test_what_is_suggested_can_be_had_and_is_of_three_categories(demo: Flask, shop: str) -> None:
    """Only what the shop pins may be of the category that is in the cart."""
    goods = products(shop)
    pinned = {(pin["with"], pin["suggest"]) for pin in SHOPS[shop]["upsell"]["pins"]}
    for id, product in goods.items():
        found = [goods[one.product_id] for one in suggest(demo, shop, (id,), SPOKEN[shop][0])]
        assert all(sum(sold["stock"] for sold in one.get("variants", [one])) > 0 for one in found), id
        assert len({one["category"] for one in found}) == MAX_SUGGESTIONS, id
        assert not [one for one in found if one["category"] == product["category"] and (id, one["id"]) not in pinned]


@EACH_SHOP
def test_each_pair_of_products_leads_to_three_suggestions(demo: Flask, shop: str) -> None:
    few = {
        pair: [one.product_id for one in found]
        for pair in combinations(products(shop), 2)
        if len(found := suggest(demo, shop, pair, SPOKEN[shop][0])) < MAX_SUGGESTIONS
    }
    assert few == {}


@EACH_SHOP
def test_the_reasons_for_a_pair_are_worth_reading(demo: Flask, shop: str) -> None:
    """Nearly all are the shop's own; the others are sentences of the rules in the shop's own language."""
    own = [other["why"] for product in products(shop).values() for other in product["goes_with"]]
    known = {text for why in own for text in why.values()}
    found = [
        one.explanation
        for pair in combinations(products(shop), 2)
        for one in suggest(demo, shop, pair, SPOKEN[shop][0])
    ]
    assert all(0 < len(explanation) <= 160 for explanation in found)
    assert sum(explanation in known for explanation in found) > 0.95 * len(found)
