"""`goes_with` in `catalog.json`: what a shop says itself about what completes a product."""

from typing import Any

import pytest
from flask import Flask
from flask_migrate import Migrate, downgrade, upgrade
from sqlalchemy import select, text

from storefront.catalog.importer import ImportSummary
from storefront.config import ROOT
from storefront.db.base import db
from storefront.db.tenant_context import set_rls_tenant, tenant_context
from storefront.db.transactions import write
from storefront.upsell.complement_generation import ComplementTask
from storefront.upsell.recommender.models import Complement
from storefront.upsell.types import ProductText
from tests.conftest import Person
from tests.factories import product, put_up, tenant
from tests.upsell.conftest import stock, teach
from tests.upsell.recommender.test_complements import rules_suggest
from tests.upsell.test_suggestions import suggested

DRY = "Keeps the cup dry on the way."
DRY_IN_ALL = {"en": DRY, "de": "Hält die Tasse unterwegs trocken."}
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def says(app: Flask, *goes_with: dict[str, Any], update: bool = False) -> ImportSummary:
    """Load a shop in which an umbrella goes with these."""
    others = (product("cup"), product("pot"), product("honey"))
    return put_up(
        app, tenant("north", product("odd", name="Umbrella", goes_with=[*goes_with]), *others, locale="en-IE"),
        refresh=update,
    )  # fmt: skip


def stored(app: Flask, product_id: str = "odd") -> dict[str, tuple[str, str]]:
    """Who said what about the products that complete this one, the best first."""
    with app.app_context(), tenant_context("north"):
        asked = select(Complement).where(Complement.product_id == product_id).order_by(Complement.position)
        return {row.complement_product_id: (row.source, row.explanation) for row in db.session.scalars(asked)}


def generate(app: Flask, **whys: str) -> None:
    """Have a model say that these complete the umbrella."""
    task = ComplementTask(ProductText("odd", "Umbrella"), [], {}, "en")
    task.kept.products.update(whys)
    with app.app_context(), tenant_context("north"), write():
        task.save()


def test_what_a_shop_says_is_stored_with_the_product(app: Flask) -> None:
    says(app, {"id": "pot"}, {"id": "cup", "why": DRY_IN_ALL})
    assert list(stored(app).items()) == [("pot", ("shop", "")), ("cup", ("shop", DRY))]


def test_an_update_replaces_what_the_file_says_otherwise_and_removes_what_left_it(app: Flask) -> None:
    says(app, {"id": "cup", "why": DRY}, {"id": "pot"})
    same = says(app, {"id": "cup", "why": DRY}, {"id": "pot"}, update=True)
    assert (same.updated, same.unchanged) == (3, 1), "names and prices of the three that were there before"
    assert says(app, {"id": "cup", "why": DRY}, {"id": "pot"}, update=True).updated == 0
    assert says(app, {"id": "honey", "why": "For the soup."}).updated == 0, "without --update nothing changes"
    assert list(stored(app)) == ["cup", "pot"]
    changed = says(app, {"id": "honey", "why": "For the soup."}, {"id": "cup", "why": "Other words."}, update=True)
    assert (changed.updated, changed.unchanged) == (1, 3)
    assert list(stored(app).items()) == [("honey", ("shop", "For the soup.")), ("cup", ("shop", "Other words."))]
    assert says(app, update=True).updated == 1
    assert stored(app) == {}


def test_an_update_leaves_the_products_alone_that_the_file_does_not_name(app: Flask) -> None:
    says(app, {"id": "cup", "why": DRY})
    put_up(app, tenant("north", product("cup"), product("pot", goes_with=[{"id": "cup"}])), refresh=True)
    assert stored(app) == {"cup": ("shop", DRY)}
    assert stored(app, "pot") == {"cup": ("shop", "")}


def test_a_model_never_overwrites_what_the_shop_says(app: Flask) -> None:
    says(app, {"id": "cup", "why": DRY})
    generate(app, cup="A model's words.", honey="Also a model's.")
    assert stored(app) == {"cup": ("shop", DRY), "honey": ("llm", "Also a model's.")}
    generate(app, pot="Later words.")
    assert stored(app) == {"cup": ("shop", DRY), "pot": ("llm", "Later words.")}


def test_what_the_shop_says_takes_the_place_of_a_models_words_for_the_pair(app: Flask) -> None:
    says(app)
    generate(app, cup="A model's words.", honey="Also a model's.")
    says(app, {"id": "cup", "why": DRY}, update=True)
    assert stored(app) == {"cup": ("shop", DRY), "honey": ("llm", "Also a model's.")}
    says(app, update=True)
    assert stored(app) == {"honey": ("llm", "Also a model's.")}


def test_shops_do_not_share_what_they_say(app: Flask) -> None:
    """Both sell a product with the id `shared`."""
    both = (product("shared", goes_with=[{"id": "other"}]), product("other"))
    put_up(app, tenant("north", *both), refresh=True)
    with app.app_context(), tenant_context("south"):
        assert db.session.scalars(select(Complement)).all() == []
    assert stored(app, "shared") == {"other": ("shop", "")}


# --- what the shopper sees --------------------------------------------------------------------------------------------


def test_it_is_suggested_in_the_order_of_the_file_before_anything_was_bought(app: Flask, shopper: Person) -> None:
    says(app, {"id": "honey", "why": "Sweet."}, {"id": "cup", "why": DRY}, {"id": "pot"})
    assert list(rules_suggest(app, shopper, "odd").items()) == [
        ("honey", "Sweet."),
        ("cup", DRY),
        ("pot", "Goes well with your Umbrella."),
    ]


@ON_SQLITE
def test_orders_outweigh_it_and_leave_it_its_words(app: Flask, shopper: Person) -> None:
    says(app, {"id": "cup", "why": DRY})
    for _ in range(4):
        shopper.checkout(shopper.cart(odd=1, pot=1))
    shopper.checkout(shopper.cart(odd=1, cup=1))
    teach(app)
    found = rules_suggest(app, shopper, "odd")
    assert list(found)[:2] == ["pot", "cup"]
    assert found["cup"] == DRY, "what the shop wrote says more than a number"
    assert found["pot"] == "Often bought together with your Umbrella: 4 orders so far."


@ON_SQLITE
@pytest.mark.parametrize(
    ("language", "said", "marked"),
    [
        ("en", DRY, ""),
        ("de", DRY_IN_ALL["de"], ""),
        ("fr", DRY, ' lang="en"'),
        ("uk, de;q=0.9", DRY, ' lang="en"'),
    ],
)
def test_each_reader_gets_it_in_her_language_if_it_is_said_in_it(
    app: Flask, shopper: Person, language: str, said: str, marked: str
) -> None:
    says(app, {"id": "cup", "why": DRY_IN_ALL})
    shopper.post("/cart/items", {"product_id": "odd"})
    assert f"<p{marked}>{said}</p>" in shopper.get("/checkout/upsell", headers={"Accept-Language": language}).text


@ON_SQLITE
def test_a_models_words_are_for_readers_of_the_shops_language(app: Flask, shopper: Person) -> None:
    says(app)
    generate(app, cup="A model's words.")
    cart = shopper.cart(odd=1)
    assert suggested(shopper, cart)["cup"] == "A model's words."
    german = shopper.api("GET", f"/carts/{cart}/upsell", headers={"Accept-Language": "de"})
    assert "A model's words." not in german.text
    assert "Passt gut zu Umbrella in Ihrem Warenkorb." in german.text


@ON_SQLITE
def test_it_is_text_and_no_markup(app: Flask, shopper: Person) -> None:
    says(app, {"id": "cup", "why": "<b>Dry</b> & <script>alert(1)</script>\u202e"})
    shopper.post("/cart/items", {"product_id": "odd"})
    panel = shopper.get("/checkout/upsell").text
    assert "&lt;b&gt;Dry&lt;/b&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;</p>" in panel
    assert "<script>alert" not in panel


@ON_SQLITE
def test_a_pin_without_words_is_explained_by_them(app: Flask, shopper: Person) -> None:
    others = (product("cup"), product("pot", category="Pots"))
    umbrella = product("odd", goes_with=[{"id": "pot"}, {"id": "cup", "why": DRY}])
    pins = {"pins": [{"with": "odd", "suggest": "cup"}, {"with": "odd", "suggest": "pot"}]}
    put_up(app, tenant("north", umbrella, *others, upsell=pins), refresh=True)
    assert list(rules_suggest(app, shopper, "odd").items())[:2] == [
        ("cup", DRY),
        ("pot", "We recommend this with your Odd."),
    ]


@ON_SQLITE
def test_what_is_sold_out_is_not_suggested(app: Flask, shopper: Person) -> None:
    stock(app, [{"id": "gone", "name": "Gone", "stock": 0}])
    put_up(app, tenant("north", product("odd", goes_with=[{"id": "gone", "why": "Oh."}]), product("gone")))
    assert "gone" not in rules_suggest(app, shopper, "odd")


# --- rows from before -------------------------------------------------------------------------------------------------


def test_what_a_model_wrote_before_stays_a_models(app: Flask) -> None:
    with app.app_context():
        Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
        downgrade(revision="0006")
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            connection.execute(
                text(
                    "INSERT INTO complement (tenant_id, product_id, other_id, category, why) "
                    "VALUES ('north', 'beans', 'cup', '', 'Drink from it.')"
                )
            )
        upgrade()
    assert stored(app, "beans") == {"cup": ("llm", "Drink from it.")}
