"""A database that an earlier version filled is brought up to date with all that is in it, and can go back."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import Migrate, downgrade, upgrade
from sqlalchemy import Connection, text

from storefront.catalog.importer import import_catalog
from storefront.config import ROOT
from storefront.db.base import db
from storefront.db.tenant_context import set_rls_tenant, tenant_context
from storefront.db.transactions import write
from storefront.events.actions import record_events
from storefront.events.models import EventType
from tests.conftest import CATALOG, Person

MOMENT = "2026-11-01 10:00:00"
FIRST_VERSION = (
    "INSERT INTO tenant (id, name, currency, locale, theme, tax, promotions) "
    "VALUES ('north', 'North', 'EUR', 'en-IE', '{}', NULL, '[]')",
    "INSERT INTO product (tenant_id, id, name, description, category, price, stock, tags, image, place, name_words, "
    "words, updated_at) VALUES "
    f"('north', 'beans', 'Dawn Beans', '', 'Coffee', 1400, 7, '[]', '', 11, 'dawn beans', 'dawn beans coffee', '{MOMENT}'), "
    f"('north', 'cup', 'Stone Cup', '', 'Cups', 900, 3, '[]', '', 12, 'stone cup', 'stone cup cups', '{MOMENT}')",
    "INSERT INTO cart (tenant_id, id, shopper, status, created_at, updated_at) VALUES "
    f"('north', 'c-open', 'ada', 'open', '{MOMENT}', '{MOMENT}'), ('north', 'c-done', 'bea', 'ordered', '{MOMENT}', '{MOMENT}')",
    "INSERT INTO cart_line (tenant_id, cart_id, product_id, quantity, from_upsell, place) VALUES "
    "('north', 'c-open', 'cup', 2, false, 22), ('north', 'c-open', 'beans', 1, true, 21)",
    "INSERT INTO orders (tenant_id, id, number, cart_id, shopper, status, email, name, currency, subtotal, discount, tax, "
    "tax_included, total, created_at) VALUES ('north', 'o-1', 'N-1', 'c-done', 'bea', 'placed', 'bea@example.com', 'Bea', "
    f"'EUR', 2300, 0, 0, false, 2300, '{MOMENT}')",
    "INSERT INTO order_line (tenant_id, order_id, product_id, place, name, image, unit_price, quantity, from_upsell) "
    "VALUES ('north', 'o-1', 'cup', 32, 'Stone Cup', '', 900, 1, true), "
    "('north', 'o-1', 'beans', 31, 'Dawn Beans', '', 1400, 1, false)",
    "INSERT INTO event (tenant_id, id, kind, subject, data, created_at) VALUES "
    f"('north', 7, 'stock.changed', 'beans', '{{}}', '{MOMENT}'), ('north', 9, 'order.placed', 'o-1', '{{}}', '{MOMENT}')",
    "INSERT INTO upsell_call (tenant_id, id, place, cart_id, arm, source, outcome, suggestions, model, prompt, created_at) "
    f"VALUES ('north', 'shown', 1, 'c-open', 'rules', 'rules', 'rules', '[]', NULL, NULL, '{MOMENT}'), "
    f"('north', 'asked', 2, 'c-open', 'model', 'rules', 'http 429', '[]', 'm', '?', '{MOMENT}')",
)
"""What the shop 'north' has, as the first version would have written it."""
LATER_VERSION = (
    "INSERT INTO upsell_showing (tenant_id, id, place, cart_id, arm, source, outcome, call_id, suggestions, created_at) "
    f"VALUES ('north', 's-2', 5, 'c-open', 'model', 'rules', 'not ready', NULL, '[]', '{MOMENT}')",
    "INSERT INTO upsell_call (tenant_id, id, place, cart_id, outcome, suggestions, model, prompt, response, prompt_tokens, "
    "completion_tokens, latency_ms, created_at, prompt_version, language, cost, dropped) VALUES "
    f"""('north', 'prep', 6, 'prepare', 'ok', '[]', 'm', '?', '!', 1, 2, 3, '{MOMENT}', 'prepare-1', 'en', 40, """
    """'{"unknown product": 2, "e-mail": 1}'), """
    f"('north', 'eval', 7, 'evaluate', 'not json', '[]', 'm', '?', '!', 1, 2, 3, '{MOMENT}', '2', 'en', NULL, '{{}}')",
    "INSERT INTO upsell_answer (tenant_id, key, same_cart, cart_id, asked_at, answered_at) VALUES "
    f"('north', 'k', 'h', 'c-open', '{MOMENT}', '{MOMENT}')",
    "INSERT INTO upsell_usage (tenant_id, day, calls, tokens, cost) VALUES ('north', '2026-11-01', 2, 6, 40)",
    "INSERT INTO upsell_exposure (tenant_id, cart_id, shopper, arm, shares, created_at) VALUES "
    f"""('north', 'c-open', 'ada', 'rules', '{{"rules": 1.0}}', '{MOMENT}')""",
    "INSERT INTO product_affinity (tenant_id, product_id, number, orders, prepared, together, alike) VALUES "
    "('north', 'beans', 0, 1, 'abc', :bytes, :none), ('north', 'cup', 1, 1, '', :none, :none)",
    "INSERT INTO group_affinity (tenant_id, name, number, together) VALUES ('north', 'Coffee', 0, :bytes)",
    "INSERT INTO complement (tenant_id, product_id, other_id, category, why) VALUES ('north', 'beans', 'cup', '', 'So.')",
    "INSERT INTO upsell_learned (tenant_id, event, orders, texts) VALUES ('north', 9, 1, 'digest')",
    """UPDATE product SET names = '{"de": "Steintasse"}' WHERE tenant_id = 'north' AND id = 'cup'""",
    """UPDATE tenant SET labels = '{"Cups": {"de": "Tassen"}}' WHERE id = 'north'""",
)
"""What came to it until before the names of this version."""
BYTES = {"bytes": b"\x01\x02", "none": b""}
TABLES_BEFORE = (
    *("tenant", "product", "cart", "cart_line", "orders", "order_line", "event", "event_counter", "complement"),
    *("upsell_showing", "upsell_call", "upsell_answer", "upsell_usage", "upsell_exposure", "upsell_learned"),
    *("product_affinity", "group_affinity"),
)


@pytest.fixture
def oldest(app: Flask) -> Flask:
    """A database that the first version made and filled."""
    with app.app_context():
        Migrate(app, db, directory=str(ROOT / "migrations"), render_as_batch=True)
        downgrade(revision="base")
        upgrade(revision="0001")
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            for statement in FIRST_VERSION:
                connection.exec_driver_sql(statement)
    return app


@pytest.fixture
def before(oldest: Flask) -> Flask:
    """The same, as the version before the present names left it."""
    with oldest.app_context():
        upgrade(revision="0006")
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            for statement in LATER_VERSION:
                connection.execute(text(statement.replace('": ', '"\\: ')), BYTES if ":none" in statement else {})
    return oldest


def rows(connection: Connection, query: str) -> list[Any]:
    return [tuple(row) for row in connection.exec_driver_sql(query)]


def everything(tables: tuple[str, ...]) -> dict[str, list[str]]:
    """All rows of the shop's tables, in no order, each with the names of its columns."""
    with db.engine.begin() as connection:
        set_rls_tenant(connection, "north")
        return {
            table: sorted(
                repr(sorted(row._mapping.items())) for row in connection.execute(text(f"SELECT * FROM {table}"))
            )
            for table in tables
        }


def test_what_the_first_version_wrote_down_is_kept(oldest: Flask) -> None:
    with oldest.app_context():
        upgrade()
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            shown = rows(
                connection, "SELECT id, arm, source, decision, call_id FROM upsell_impression ORDER BY sort_id"
            )
            assert shown == [
                ("shown", "rules", "rules", "rules", None),
                ("asked", "model", "rules", "http_429", "asked"),
            ]
            called = rows(connection, "SELECT id, purpose, cart_id, model, prompt_version, outcome FROM llm_call")
            assert called == [("asked", "rerank", "c-open", "m", "1", "http_429")], (
                "what was no call of a model isn't one now"
            )
            assert rows(connection, "SELECT last_id FROM event_sequence") == [(9,)]
            assert rows(connection, "SELECT id, type FROM event ORDER BY id") == [
                (7, "stock.changed"),
                (9, "order.placed"),
            ]
            bought = "SELECT product_id, unit_price, from_upsell FROM order_line ORDER BY position"
            assert rows(connection, bought) == [("beans", 1400, False), ("cup", 900, True)]


def test_everything_has_its_present_name(before: Flask) -> None:
    with before.app_context():
        upgrade()
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            for query, expected in NOW.items():
                assert rows(connection, query) == expected, query


NOW = {
    "SELECT id, position, search_name, search_text FROM product ORDER BY position": [
        ("beans", 11, "dawn beans", "dawn beans coffee"), ("cup", 12, "stone cup", "stone cup cups"),
    ],
    "SELECT product_id, quantity FROM cart_line ORDER BY position": [("beans", 1), ("cup", 2)],
    "SELECT id, decision FROM upsell_impression ORDER BY sort_id": [
        ("shown", "rules"), ("asked", "http_429"), ("s-2", "pending"),
    ],
    "SELECT id, purpose, cart_id, outcome, cost_micros FROM llm_call ORDER BY sort_id": [
        ("asked", "rerank", "c-open", "http_429", None), ("prep", "complements", None, "ok", 40),
        ("eval", "evaluation", None, "invalid_json", None),
    ],
    "SELECT CAST(rejections AS TEXT) FROM llm_call WHERE id = 'prep'": [('{"unknown_product": 2, "email": 1}',)],
    "SELECT key, cart_hash, cart_id FROM llm_response_cache WHERE requested_at = responded_at": [("k", "h", "c-open")],
    "SELECT calls, tokens, cost_micros FROM llm_usage": [(2, 6, 40)],
    "SELECT CAST(allocation AS TEXT) FROM upsell_exposure": [('{"rules": 1.0}',)],
    "SELECT product_id, item_index, order_count, complements_digest, length(cooccurrences), length(similar_items) "
    "FROM product_affinity ORDER BY item_index": [("beans", 0, 1, "abc", 2, 0), ("cup", 1, 1, "", 0, 0)],
    "SELECT name, category_index, length(cooccurrences) FROM category_affinity": [("Coffee", 0, 2)],
    "SELECT product_id, complement_product_id, category, explanation FROM complement": [("beans", "cup", "", "So.")],
    "SELECT last_event_id, order_count, text_digest FROM recommender_state": [(9, 1, "digest")],
    "SELECT CAST(name_translations AS TEXT) FROM product WHERE id = 'cup'": [('{"de": "Steintasse"}',)],
    "SELECT CAST(taxonomy_translations AS TEXT) FROM tenant": [('{"Cups": {"de": "Tassen"}}',)],
}  # fmt: skip


def test_a_shop_goes_on_selling_on_what_an_earlier_version_left(before: Flask) -> None:
    """Searches, orders and events meet the triggers, policies and indexes of renamed tables and columns."""
    with before.app_context():
        upgrade()
        import_catalog(CATALOG.read_bytes())
    shopper = Person(before.test_client(), "north")
    assert "Dawn Beans" in shopper.get("/?q=dawn").text
    assert "Dawn Beans" not in shopper.get("/?q=cup").text
    order = shopper.checkout(shopper.cart(beans=2))
    assert order.status_code == 201, order.text
    assert shopper.stock("beans") == 5
    kept = shopper.api("GET", "/orders/o-1")
    assert [(item["product_id"], item["from_upsell"]) for item in kept.json["items"]] == [
        ("beans", False),
        ("cup", True),
    ]  # type: ignore[index]
    with before.app_context(), tenant_context("north"), write():
        record_events([(EventType.PRICE_CHANGED, "beans", {"price": 1})])
    with before.app_context(), db.engine.begin() as connection:
        set_rls_tenant(connection, "north")
        assert rows(connection, "SELECT max(id) FROM event") == rows(connection, "SELECT last_id FROM event_sequence")
        changed = "UPDATE product SET search_text = 'moka' WHERE tenant_id = 'north' AND id = 'beans'"
        connection.exec_driver_sql(changed)
    assert "Dawn Beans" in shopper.get("/?q=moka").text


def test_the_tables_are_those_of_the_models(before: Flask) -> None:
    """Columns, types and indexes, by the names that the models and the naming convention give them."""

    def is_ours(_: object, name: str | None, type_: str, reflected: bool, __: object) -> bool:
        by_hand = (type_ == "column" and name == "search") or (name or "").startswith(
            ("product_search", "ix_product_search")
        )
        return not (reflected and by_hand)

    with before.app_context():
        upgrade()
        with db.engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"include_object": is_ours})
            assert compare_metadata(context, db.metadata) == []


def test_going_back_leaves_what_was_there(before: Flask) -> None:
    with before.app_context():
        there = everything(TABLES_BEFORE)
        upgrade()
        downgrade(revision="0006")
        back = everything(TABLES_BEFORE)
        converted = "unknown_product", "email"  # which the version before wrote already; earlier ones didn't
        calls = [row for row in back.pop("upsell_call") if not any(cause in row for cause in converted)]
        assert calls == [row for row in there.pop("upsell_call") if "unknown product" not in row]
        assert back == there


def test_it_can_go_back_to_the_first_version_and_come_again(before: Flask) -> None:
    with before.app_context():
        upgrade()
        downgrade(revision="0001")
        upgrade()
        with db.engine.begin() as connection:
            set_rls_tenant(connection, "north")
            assert rows(connection, "SELECT id, model FROM llm_call WHERE id = 'asked'") == [("asked", "m")]
            assert rows(connection, "SELECT count(*) FROM product") == [(2,)]
            assert rows(connection, "SELECT number, total FROM orders") == [("N-1", 2300)]
