"""Migrations keep the data of earlier versions, and can be reverted."""

import re
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import Migrate, downgrade, upgrade
from sqlalchemy import Connection

from storefront.catalog.importer import import_catalog
from storefront.config import ROOT
from storefront.db.base import db
from storefront.db.engine import engines
from storefront.db.tenant_context import set_rls_tenant, tenant_context
from storefront.db.transactions import write
from storefront.events.actions import record_events
from storefront.events.models import EventType
from tests.conftest import CATALOG, Person
from tests.factories import import_tenants, product, tenant

BYTES = re.compile(r"BYTES\((\w*)\)")
TABLES_OF_0006 = (
    *("tenant", "product", "cart", "cart_line", "orders", "order_line", "event", "event_counter", "complement"),
    *("upsell_showing", "upsell_call", "upsell_answer", "upsell_usage", "upsell_exposure", "upsell_learned"),
    *("product_affinity", "group_affinity"),
)
EXPECTED_ROWS = {
    "SELECT id, position, search_name, search_text FROM product ORDER BY position": [
        ("beans", 11, "dawn beans", "dawn beans coffee"), ("cup", 12, "stone cup", "stone cup cups"),
    ],
    "SELECT CAST(name_translations AS TEXT) FROM product WHERE id = 'cup'": [('{"de": "Steintasse"}',)],
    "SELECT CAST(taxonomy_translations AS TEXT) FROM tenant": [('{"Cups": {"de": "Tassen"}}',)],
    "SELECT product_id, variant_id, quantity FROM cart_line ORDER BY position": [
        ("beans", "beans", 1), ("cup", "cup", 2),
    ],
    "SELECT product_id, variant_id, unit_price FROM order_line ORDER BY position": [
        ("beans", "beans", 1400), ("cup", "cup", 900),
    ],
    "SELECT id, product_id, position, price, stock, status FROM variant ORDER BY id": [
        ("beans", "beans", 0, 1400, 7, "active"), ("cup", "cup", 0, 900, 3, "active"),
    ],
    "SELECT id, type, subject FROM event ORDER BY id": [(7, "stock.changed", "beans"), (9, "order.placed", "o-1")],
    "SELECT last_id FROM event_sequence": [(9,)],
    "SELECT id, decision, call_id FROM upsell_impression ORDER BY sort_id": [
        ("shown", "rules", None), ("asked", "http_429", "asked"), ("s-2", "pending", None),
    ],
    "SELECT id, purpose, cart_id, outcome, cost_micros FROM llm_call ORDER BY sort_id": [
        ("asked", "rerank", "c-open", "http_429", None), ("prep", "complements", None, "ok", 40),
        ("eval", "evaluation", None, "invalid_json", None), ("early", "rerank", "c-open", "ok", None),
    ],
    "SELECT CAST(rejections AS TEXT) FROM llm_call WHERE sort_id > 5 ORDER BY sort_id": [
        ('{"too_long": 1}',), ("{}",), ('{"unknown_product": 2, "email": 1}',),
    ],
    "SELECT key, cart_hash, cart_id FROM llm_response_cache WHERE requested_at = responded_at": [("k", "h", "c-open")],
    "SELECT calls, tokens, cost_micros FROM llm_usage": [(2, 6, 40)],
    "SELECT CAST(allocation AS TEXT) FROM upsell_exposure": [('{"rules": 1.0}',)],
    "SELECT product_id, item_index, order_count, complements_digest, length(cooccurrences), length(similar_items) "
    "FROM product_affinity ORDER BY item_index": [("beans", 0, 1, "abc", 18, 6), ("cup", 1, 1, "", 18, 0)],
    "SELECT name, category_index, length(cooccurrences) FROM category_affinity": [("Coffee", 0, 12)],
    "SELECT product_id, complement_product_id, category, explanation FROM complement": [("beans", "cup", "", "So.")],
    "SELECT last_event_id, order_count, text_digest FROM recommender_state": [(9, 1, "digest")],
}  # fmt: skip
"""The rows of the SQL files in this folder, as the current version reads them."""


@pytest.fixture
def first_version(app: Flask) -> Flask:
    """An app on a database that the first version created and filled."""
    with app.app_context():
        Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
        downgrade(revision="base")
        upgrade(revision="0001")
        fill("0001.sql")
    return app


@pytest.fixture
def revision_0006(first_version: Flask) -> Flask:
    """The first version's database migrated to 0006, the last revision with the old names, and filled."""
    with first_version.app_context():
        upgrade(revision="0006")
        fill("0006.sql")
    return first_version


def fill(file: str) -> None:
    script = (Path(__file__).parent / file).read_text()
    with engines().write.begin() as connection:
        set_rls_tenant(connection, "north")
        literal = r"X'\1'" if connection.dialect.name == "sqlite" else r"'\\x\1'"
        for statement in BYTES.sub(literal, script).split(";\n"):
            if statement.strip():
                connection.exec_driver_sql(statement)


def rows(connection: Connection, query: str) -> list[Any]:
    return [tuple(row) for row in connection.exec_driver_sql(query)]


def all_rows(tables: tuple[str, ...]) -> dict[str, list[str]]:
    """Return all rows of the shop's tables by table, independent of the order of columns."""
    found = {}
    with db.engine.begin() as connection:
        set_rls_tenant(connection, "north")
        for table in tables:
            mappings = connection.exec_driver_sql(f"SELECT * FROM {table}").mappings()
            found[table] = sorted(repr(sorted(row.items())) for row in mappings)
    return found


def test_rows_of_the_first_version_are_kept(first_version: Flask) -> None:
    with first_version.app_context():
        upgrade()
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            shown = rows(connection, "SELECT id, arm, decision, call_id FROM upsell_impression ORDER BY sort_id")
            assert shown == [("shown", "rules", "rules", None), ("asked", "model", "http_429", "asked")]
            called = rows(connection, "SELECT id, purpose, cart_id, model, prompt_version, outcome FROM llm_call")
            assert called == [("asked", "rerank", "c-open", "m", "1", "http_429")], (
                "a row was converted into a call that was none"
            )
            bought = "SELECT product_id, unit_price, from_upsell FROM order_line ORDER BY position"
            assert rows(connection, bought) == [("beans", 1400, False), ("cup", 900, True)]


def test_rows_are_found_under_the_current_names(revision_0006: Flask) -> None:
    with revision_0006.app_context():
        upgrade()
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            for query, expected in EXPECTED_ROWS.items():
                assert rows(connection, query) == expected, query


def test_shop_works_on_a_migrated_database(revision_0006: Flask) -> None:
    """Searches, orders and events use the triggers, policies and indexes of renamed tables and columns."""
    with revision_0006.app_context():
        upgrade()
        import_catalog(CATALOG.read_bytes())
    shopper = Person(revision_0006.test_client(), "north")
    assert "Dawn Beans" in shopper.get("/?q=dawn").text
    assert "Dawn Beans" not in shopper.get("/?q=cup").text
    order = shopper.checkout(shopper.cart(beans=2))
    assert order.status_code == 201, order.text
    assert shopper.stock("beans") == 5
    earlier = shopper.api("GET", "/orders/o-1").json
    assert earlier
    assert [(item["product_id"], item["from_upsell"]) for item in earlier["items"]] == [("beans", False), ("cup", True)]
    with revision_0006.app_context(), tenant_context("north"), write():
        record_events([(EventType.PRICE_CHANGED, "beans", {"price": 1})])
    with revision_0006.app_context(), engines().write.begin() as connection:
        set_rls_tenant(connection, "north")
        assert rows(connection, "SELECT max(id) FROM event") == rows(connection, "SELECT last_id FROM event_sequence")
        connection.exec_driver_sql("UPDATE product SET search_text = 'moka' WHERE id = 'beans'")
    assert "Dawn Beans" in shopper.get("/?q=moka").text


def test_migrated_tables_match_the_models(revision_0006: Flask) -> None:
    """Compares columns, types and indexes, including their names."""

    def include(_object: object, name: str | None, _type: str, reflected: bool, _compared: object) -> bool:
        unmodelled = name == "search" or (name or "").startswith(("product_search", "ix_product_search"))
        return not (reflected and unmodelled)

    with revision_0006.app_context():
        upgrade()
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"include_object": include})
            assert compare_metadata(context, db.metadata) == []


def test_downgrade_restores_the_rows(revision_0006: Flask) -> None:
    with revision_0006.app_context():
        original = all_rows(TABLES_OF_0006)
        upgrade()
        downgrade(revision="0006")
        restored = all_rows(TABLES_OF_0006)
    # Revision 0006 already used the current codes of rejections; only older rows were converted.
    original["upsell_call"] = [row.replace("unknown product", "unknown_product") for row in original["upsell_call"]]
    original["upsell_call"] = [row.replace("e-mail", "email") for row in original["upsell_call"]]
    assert restored == original


def test_downgrade_to_the_first_version_can_be_upgraded_again(revision_0006: Flask) -> None:
    with revision_0006.app_context():
        upgrade()
        downgrade(revision="0001")
        upgrade()
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            assert rows(connection, "SELECT id, model FROM llm_call WHERE id = 'asked'") == [("asked", "m")]
            assert rows(connection, "SELECT number, total FROM orders") == [("N-1", 2300)]
            assert rows(connection, "SELECT id, position FROM product ORDER BY id") == [("beans", 11), ("cup", 12)]


def test_going_back_merges_the_variants_of_a_product(revision_0006: Flask) -> None:
    """The version before has one line a product in a cart and in an order."""
    coloured = product("beans", "18.50", options=[{"name": "Grind", "values": ["Whole", "Ground"]}])
    coloured["variants"] = [
        {"id": f"beans-{value.lower()}", "options": [value], "stock": 9} for value in ("Whole", "Ground")
    ]
    del coloured["stock"]
    with revision_0006.app_context():
        upgrade()
    import_tenants(revision_0006, tenant("north", coloured), refresh=True)
    shopper = Person(revision_0006.test_client(), "north")
    chosen = [{"variant_id": f"beans-{value}", "quantity": n} for value, n in (("whole", 2), ("ground", 3))]
    carts = [
        shopper.api("POST", "/carts", {"items": [*chosen, {"product_id": "cup", "quantity": 1}]}).json["id"]
        for _ in range(2)
    ]
    order = shopper.checkout(carts[1]).json["id"]
    with revision_0006.app_context():
        downgrade(revision="0008")
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            in_cart = f"SELECT product_id, quantity FROM cart_line WHERE cart_id = '{carts[0]}' ORDER BY position"
            assert rows(connection, in_cart) == [("beans", 5), ("cup", 1)]
            ordered = f"SELECT product_id, quantity FROM order_line WHERE order_id = '{order}' ORDER BY position"
            assert rows(connection, ordered) == [("beans", 5), ("cup", 1)]
        upgrade()
    assert shopper.api("GET", f"/orders/{order}").json["items"][0]["variant_id"] == "beans"
