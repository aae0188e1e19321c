"""Commands that add, list, export and remove shops."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from storefront import create_app
from storefront.catalog.models import Product, Variant
from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write, write_connection
from storefront.events.models import Event
from storefront.server.bootstrap import prepare
from storefront.staff.permissions import Role
from storefront.tenants.models import ShopRemoval, Tenant
from storefront.tenants.registry import registry
from storefront.upsell.recommender.models import Complement
from tests.catalog.variants import open_wear, tee, variant
from tests.conftest import Person, dispose, settings_for
from tests.factories import place_order, product
from tests.staff.factories import furnish_staff, signed_in


def run(app: Flask, *words: str, **more: Any) -> Result:
    return app.test_cli_runner().invoke(args=list(words), **more)


def exported(app: Flask, tenant_id: str, *words: str) -> Any:
    result = run(app, *(words or ("tenant", "export")), "--tenant", tenant_id)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_shop_is_added_and_listed(app: Flask) -> None:
    added = run(app, "tenant", "add", "--id", "new", "--name", "New", "--currency", "EUR", "--locale", "de-AT")
    assert added.exit_code == 0, added.output
    found = json.loads(run(app, "tenant", "list", "--json").stdout)
    assert [one for one in found if one["id"] == "new"] == [
        {
            **{"id": "new", "name": "New", "currency": "EUR", "locale": "de-AT", "timezone": "Europe/Vienna"},
            **{"products": 0, "orders": 0},
        }
    ]
    assert "New" in run(app, "tenant", "list").stdout
    assert Person(app.test_client(), "new").get("/").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"--id": "north"}, "there is a shop 'north' already"),
        ({"--id": "Not An Id"}, "--id"),
        ({"--currency": "EURO"}, "--currency"),
        ({"--locale": "xx-nowhere-land"}, "--locale"),
        ({"--timezone": "Mars/Base"}, "--timezone"),
    ],
)
def test_a_wrong_option_is_named_in_one_sentence(app: Flask, wrong: dict[str, str], sentence: str) -> None:
    given = {"--id": "new", "--name": "New", "--currency": "EUR"} | wrong
    result = run(app, "tenant", "add", *(word for pair in given.items() for word in pair))
    assert (result.exit_code, result.stderr.count("\n")) == (1, 1), result.output
    assert sentence in result.stderr


def test_an_export_is_loaded_again_as_it_was(app: Flask, shopper: Person, tmp_path: Path) -> None:
    open_wear(app)
    place_order(shopper, beans=2)
    for shop in ("north", "wear"):
        first = exported(app, shop)
        assert run(app, "tenant", "remove", "--tenant", shop, "--yes").exit_code == 0
        file = tmp_path / f"{shop}.json"
        file.write_text(json.dumps(first), encoding="utf-8")
        loaded = run(app, "catalog", "load", str(file))
        assert loaded.exit_code == 0, loaded.output
        again = exported(app, shop)
        assert again["tenants"] == first["tenants"]
        assert again["orders"] == []
    assert len(exported(app, "north", "catalog", "export")) == 1, "without orders"


def rows_of(app: Flask, shop: str) -> dict[str, list[dict[str, Any]]]:
    """A shop's settings, products, variants and complements, without what counts or dates."""
    with app.app_context(), tenant_context(shop):
        found = {"tenant": [as_dict(db.session.get_one(Tenant, shop))]}
        for model, key in ((Product, Product.position), (Variant, Variant.id), (Complement, Complement.position)):
            found[model.__tablename__] = [as_dict(row) for row in db.session.scalars(select(model).order_by(key))]
        return found


def as_dict(row: Any) -> dict[str, Any]:
    columns = [column.key for column in row.__table__.columns]
    return {name: getattr(row, name) for name in columns if name not in ("position", "updated_at")}


def test_an_export_gives_the_same_shop_in_an_empty_database(app: Flask, tmp_path: Path) -> None:
    wear = open_wear(app, tee(), product("sock", "5.00", goes_with=[{"id": "tee", "why": "Warm."}]), product("hat"))
    few = tee(variant("tee-red-s", "Red", "S", stock=3), variant("tee-blue-m", "Blue", "M", stock=1, image="b.webp"))
    open_wear(app, few, product("sock", "5.00"), product("hat", category="Hats"), refresh=True)
    without_options = product("tee", "20.00", stock=4, image="up-0123456789abcdef0123456789abcdef.webp")
    open_wear(app, without_options, product("sock", "5.00", category="Feet"), refresh=True)
    owner = signed_in(app, "wear", Role.OWNER)
    assert owner.post("/admin/categories", {"category": "Hats", "to": "0"}).status_code == 303
    assert owner.post("/admin/upsell/switch", {"enabled": "false"}).status_code == 303
    assert "hat" in wear.get("/").text
    draft = {"name": "Hat", "price": "1.00", "status": "draft"}
    assert owner.post("/admin/products/hat", draft).status_code == 303
    file = tmp_path / "wear.json"
    file.write_text(json.dumps(exported(app, "wear")), encoding="utf-8")
    other = create_app(settings_for(f"sqlite:///{tmp_path}/other/other.db", tmp_path / "other", CATALOG=str(file)))
    prepare(other)
    before, after = rows_of(app, "wear"), rows_of(other, "wear")
    assert after == before
    assert {row["status"] for row in before["variant"]} == {"active", "archived"}
    assert before["tenant"][0]["category_order"] == ["Hats", "Feet"]
    assert exported(other, "wear") == exported(app, "wear")
    dispose(other)


@pytest.mark.parametrize("shop", ["aurora", "kami"])
def test_a_shop_in_several_languages_is_loaded_again_as_it_was(app: Flask, tmp_path: Path, shop: str) -> None:
    assert run(app, "catalog", "load", "catalog.json").exit_code == 0
    first = exported(app, shop)["tenants"]
    assert any(isinstance(product["description"], dict) for product in first[0]["products"])
    assert run(app, "tenant", "remove", "--tenant", shop, "--yes").exit_code == 0
    file = tmp_path / f"{shop}.json"
    file.write_text(json.dumps({"tenants": first}), encoding="utf-8")
    loaded = run(app, "catalog", "load", str(file))
    assert loaded.exit_code == 0, loaded.output
    assert exported(app, shop)["tenants"] == first


def test_drafts_stay_drafts(app: Flask, tmp_path: Path) -> None:
    entry = {"id": "secret", "name": "Secret", "price": "1.00", "stock": 4, "status": "draft"}
    shop = {"id": "later", "name": "Later", "currency": "EUR", "products": [entry]}
    file = tmp_path / "later.json"
    file.write_text(json.dumps({"tenants": [shop]}))
    assert run(app, "catalog", "load", str(file)).exit_code == 0
    assert Person(app.test_client(), "later").get("/products/secret").status_code == 404
    assert exported(app, "later", "catalog", "export")["tenants"][0]["products"] == [entry]


def test_orders_are_exported_the_oldest_first(app: Flask, shopper: Person, tmp_path: Path) -> None:
    ids = [place_order(shopper, beans=1), place_order(shopper, honey=2)]
    found = exported(app, "north", "orders", "export")
    assert [one["id"] for one in found] == ids
    assert found[0] == shopper.api("GET", f"/orders/{ids[0]}").json
    target = tmp_path / "orders.json"
    assert run(app, "orders", "export", "--tenant", "north", "--output", str(target)).exit_code == 0
    assert json.loads(target.read_text(encoding="utf-8")) == found
    nowhere = run(app, "orders", "export", "--tenant", "north", "--output", str(tmp_path / "no" / "file"))
    assert nowhere.exit_code in (1, 2)
    assert run(app, "orders", "export", "--tenant", "nobody").exit_code == 1


def test_removal_asks_and_removes_everything_of_this_shop_only(app: Flask, shopper: Person, stranger: Person) -> None:
    place_order(shopper, beans=1)
    kept = place_order(stranger, pen=1)
    furnish_staff(app, "north")
    refused = run(app, "tenant", "remove", "--tenant", "north", input="n\n")
    assert refused.exit_code == 1
    assert shopper.get("/").status_code == 200
    removed = run(app, "tenant", "remove", "--tenant", "north", input="y\n")
    assert removed.exit_code == 0, removed.output
    assert shopper.get("/").status_code == 404
    assert stranger.get(f"/orders/{kept}").status_code == 200
    with app.app_context(), tenant_context("north"):
        assert db.session.scalars(select(Event)).all() == []
        assert db.session.get(Tenant, "north") is None
    assert run(app, "tenant", "remove", "--tenant", "north", "--yes").exit_code == 1


def test_events_of_a_shop_are_deleted_only_while_it_is_removed_and_that_leaves_a_trace(
    app: Flask, shopper: Person
) -> None:
    place_order(shopper, beans=1)
    with app.app_context(), tenant_context("north"), pytest.raises(DBAPIError, match="append-only"), write():
        write_connection().execute(text("DELETE FROM event WHERE tenant_id = 'north'"))
    assert run(app, "tenant", "remove", "--tenant", "north", "--yes").exit_code == 0
    with app.app_context():
        row = db.session.scalars(select(ShopRemoval)).one()
        assert (row.shop_id, row.name) == ("north", "North")
        assert "tenant remove" in row.started_by
        assert row.finished_at is not None
        assert "north" not in registry().all()
    for statement in ("DELETE FROM shop_removal", "UPDATE shop_removal SET finished_at = NULL"):
        with app.app_context(), pytest.raises(DBAPIError, match="kept as it is"), write():
            write_connection().execute(text(statement))
