"""standard names: tables, columns, indexes and stored codes get the names that this field uses

Renaming changes the database's own catalogue only. What SQLite writes anew: its full-text index, because the name of
its column is part of it; its indexes, which it can't rename; and the log of calls, whose cart becomes optional, for
which it has no other way. SQLite keeps the old names of constraints, which nothing uses.
"""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from alembic import op


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = {
    "event_counter": "event_sequence",
    "upsell_showing": "upsell_impression",
    "upsell_call": "llm_call",
    "upsell_answer": "llm_response_cache",
    "upsell_usage": "llm_usage",
    "upsell_learned": "recommender_state",
    "group_affinity": "category_affinity",
}
"""The new name of each renamed table by its old one."""
COLUMNS: dict[str, dict[str, str]] = {
    "upsell_impression": {"place": "sort_id", "outcome": "decision"},
    "llm_call": {"place": "sort_id", "cost": "cost_micros", "dropped": "rejections"},
    "llm_response_cache": {"same_cart": "cart_hash", "asked_at": "requested_at", "answered_at": "responded_at"},
    "llm_usage": {"cost": "cost_micros"},
    "upsell_exposure": {"shares": "allocation"},
    "product_affinity": {
        "number": "item_index",
        "orders": "order_count",
        "prepared": "complements_digest",
        "together": "cooccurrences",
        "alike": "similar_items",
    },
    "category_affinity": {"number": "category_index", "together": "cooccurrences"},
    "complement": {"other_id": "complement_product_id", "why": "explanation"},
    "recommender_state": {"event": "last_event_id", "orders": "order_count", "texts": "text_digest"},
    "event": {"kind": "type"},
    "event_sequence": {"last": "last_id"},
    "tenant": {"labels": "taxonomy_translations"},
    "product": {
        "place": "position",
        "words": "search_text",
        "name_words": "search_name",
        "names": "name_translations",
        "descriptions": "description_translations",
    },
    "cart_line": {"place": "position"},
    "order_line": {"place": "position"},
}
"""By a table's new name, the new name of each renamed column by its old one."""


class IndexOf(NamedTuple):
    table: str
    columns: Sequence[str]
    unique: bool = False

    @property
    def name(self) -> str:
        """As the metadata's naming convention has it."""
        return "_".join(("ix", self.table, *self.columns))

    def before(self) -> "IndexOf":
        """This index under the names from before this migration."""
        table = next((old for old, new in TABLES.items() if new == self.table), self.table)
        columns = {new: old for old, new in COLUMNS[self.table].items()}
        return IndexOf(table, [columns.get(name, name) for name in self.columns], self.unique)


NEW_INDEXES = (
    IndexOf("product", ("tenant_id", "position"), unique=True),
    IndexOf("product", ("tenant_id", "category", "position")),
    IndexOf("upsell_impression", ("tenant_id", "cart_id", "sort_id")),
    IndexOf("upsell_impression", ("tenant_id", "sort_id")),
    IndexOf("llm_call", ("tenant_id", "cart_id", "sort_id")),
    IndexOf("llm_call", ("tenant_id", "sort_id")),
    IndexOf("llm_response_cache", ("tenant_id", "cart_hash", "responded_at")),
    IndexOf("llm_response_cache", ("tenant_id", "requested_at")),
    IndexOf("llm_response_cache", ("tenant_id", "cart_id")),
    IndexOf("product_affinity", ("tenant_id", "item_index"), unique=True),
    IndexOf("category_affinity", ("tenant_id", "category_index"), unique=True),
    IndexOf("order_line", ("tenant_id", "product_id", "position")),
)
"""Those whose names hold the name of a renamed table or column."""
OLD_INDEXES = tuple(index.before() for index in NEW_INDEXES)
PURPOSES = {"prepare": "complements", "evaluate": "evaluation"}
"""What stood in place of a cart's id in calls that are about no cart, and the purpose that they have now."""
CODES = {
    "not ready": "pending",
    "nothing usable": "all_rejected",
    "over budget": "over_budget",
    "resting": "circuit_open",
    "busy": "concurrency_limited",
    "stopped": "shutting_down",
    "shutting down": "shutting_down",
    "no connection": "connection_error",
    "not json": "invalid_json",
    "bad answer": "invalid_response",
    "too large": "response_too_large",
}
"""Decisions of impressions and outcomes of calls, as they were stored and as they are now; of both, because the first
version stored the two together. Besides, "http 429" and the like become "http_429"."""


def upgrade() -> None:
    drop_search_index("place")
    drop_indexes(OLD_INDEXES)
    for old, new in TABLES.items():
        op.rename_table(old, new)
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    rename_constraints(TABLES)
    with op.batch_alter_table("llm_call") as calls:
        calls.add_column(sa.Column("purpose", sa.String(), nullable=False, server_default="rerank"))
        calls.alter_column("cart_id", existing_type=sa.String(length=32), nullable=True)
    create_indexes(OLD_INDEXES, NEW_INDEXES)
    create_search_index("search_text", "position")
    for tenant_id in tenants():
        for cart_id, purpose in PURPOSES.items():
            run(
                "UPDATE llm_call SET purpose = :purpose, cart_id = NULL WHERE tenant_id = :id AND cart_id = :cart_id",
                {"id": tenant_id, "purpose": purpose, "cart_id": cart_id},
            )
        convert_codes(tenant_id, "upsell_impression", "decision", "http ", "http_", CODES)
        convert_codes(tenant_id, "llm_call", "outcome", "http ", "http_", CODES)
        convert_rejections(tenant_id)


def downgrade() -> None:
    before = {new: old for old, new in CODES.items()}
    for tenant_id in tenants():
        for cart_id, purpose in PURPOSES.items():
            run(
                "UPDATE llm_call SET cart_id = :cart_id WHERE tenant_id = :id AND purpose = :purpose",
                {"id": tenant_id, "purpose": purpose, "cart_id": cart_id},
            )
        convert_codes(tenant_id, "upsell_impression", "decision", "http_", "http ", before)
        convert_codes(tenant_id, "llm_call", "outcome", "http_", "http ", before)
    drop_search_index("position")
    drop_indexes(NEW_INDEXES)
    with op.batch_alter_table("llm_call") as calls:
        calls.alter_column("cart_id", existing_type=sa.String(length=32), nullable=False)
        calls.drop_column("purpose")
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
    for old, new in TABLES.items():
        op.rename_table(new, old)
    rename_constraints({new: old for old, new in TABLES.items()})
    create_indexes(NEW_INDEXES, OLD_INDEXES)
    create_search_index("words", "place")


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def run(statement: str, values: dict[str, str]) -> None:
    op.get_bind().execute(sa.text(statement), values)


def tenants() -> Iterator[str]:
    """Each tenant's id, while row-level security shows this migration its rows."""
    for tenant_id in op.get_bind().scalars(sa.text("SELECT id FROM tenant ORDER BY id")).all():
        if not is_sqlite():
            run("SELECT set_config('storefront.tenant_id', :id, true)", {"id": tenant_id})
        yield tenant_id


def convert_codes(tenant_id: str, table: str, column: str, http: str, new_http: str, codes: dict[str, str]) -> None:
    """Convert the codes in a column in one statement, which writes those rows only that have one of them."""
    values = {"id": tenant_id, "http": http, "new_http": new_http}
    for i, (old, new) in enumerate(codes.items()):
        values |= {f"old_{i}": old, f"new_{i}": new}
    cases = " ".join(f"WHEN :old_{i} THEN :new_{i}" for i in range(len(codes)))
    known = ", ".join(f":old_{i}" for i in range(len(codes)))
    is_http = f"substr({column}, 1, 5) = :http"
    run(
        f"UPDATE {table} SET {column} = CASE WHEN {is_http} THEN :new_http || substr({column}, 6) "
        f"ELSE CASE {column} {cases} END END WHERE tenant_id = :id AND ({is_http} OR {column} IN ({known}))",
        values,
    )


def convert_rejections(tenant_id: str) -> None:
    """Earlier versions counted by words with spaces. There are few different counts, so each is converted once."""
    calls = sa.table("llm_call", sa.column("tenant_id"), sa.column("rejections", sa.JSON()))
    stored = sa.cast(calls.c.rejections, sa.Text())
    mine, connection = calls.c.tenant_id == tenant_id, op.get_bind()
    for text in connection.scalars(sa.select(stored).where(mine, stored != "{}").distinct()).all():
        counts = json.loads(text)
        converted = {"email" if cause == "e-mail" else cause.replace(" ", "_"): n for cause, n in counts.items()}
        if converted != counts:
            connection.execute(sa.update(calls).where(mine, stored == text).values(rejections=converted))


def rename_constraints(tables: dict[str, str]) -> None:
    """The primary key and the reference to the tenant of each renamed table: all constraints that are named after it.
    SQLite has no way to rename them."""
    if is_sqlite():
        return
    for old, new in tables.items():
        for constraint in ("pk_{}", "fk_{}_tenant"):
            op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT {constraint.format(old)} TO {constraint.format(new)}")


def drop_indexes(indexes: Sequence[IndexOf]) -> None:
    """SQLite's, which can't be renamed."""
    if is_sqlite():
        for index in indexes:
            op.execute(f"DROP INDEX {index.name}")


def create_indexes(before: Sequence[IndexOf], after: Sequence[IndexOf]) -> None:
    """Have the indexes under their names of afterwards; SQLite's were dropped."""
    for old, new in zip(before, after, strict=True):
        if is_sqlite():
            op.create_index(new.name, new.table, new.columns, unique=new.unique)
        else:
            op.execute(f"ALTER INDEX {old.name} RENAME TO {new.name}")


def drop_search_index(position: str) -> None:
    """PostgreSQL's search column follows its source's new name by itself; SQLite's index is made anew."""
    if is_sqlite():
        for event in ("insert", "delete", "update"):
            op.execute(f"DROP TRIGGER product_search_{event}")
        op.execute("DROP TABLE product_search")
        op.execute(f"DROP INDEX ix_product_search_{position}")


def create_search_index(words: str, position: str) -> None:
    """SQLite's full-text index over these columns of the product, and the triggers that keep it."""
    if not is_sqlite():
        return
    op.execute(f"CREATE UNIQUE INDEX ix_product_search_{position} ON product ({position})")
    op.execute(
        f"CREATE VIRTUAL TABLE product_search USING fts5(tenant_id, {words}, content='product', "
        f"content_rowid='{position}', tokenize='unicode61 remove_diacritics 0', prefix='2 3')"
    )
    op.execute("INSERT INTO product_search (product_search) VALUES ('rebuild')")
    columns = f"rowid, tenant_id, {words}"
    new = f"INSERT INTO product_search ({columns}) VALUES (new.{position}, new.tenant_id, new.{words});"
    old = (
        f"INSERT INTO product_search (product_search, {columns}) "
        f"VALUES ('delete', old.{position}, old.tenant_id, old.{words});"
    )
    op.execute(f"CREATE TRIGGER product_search_insert AFTER INSERT ON product BEGIN {new} END")
    op.execute(f"CREATE TRIGGER product_search_delete AFTER DELETE ON product BEGIN {old} END")
    op.execute(
        f"CREATE TRIGGER product_search_update AFTER UPDATE OF {words}, {position} ON product BEGIN {old} {new} END"
    )
