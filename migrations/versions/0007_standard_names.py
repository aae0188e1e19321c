"""standard names: tables, columns, indexes and stored codes get the names that this field uses

Renaming changes the catalogue of the database only. What is written anew: SQLite's full-text index, because the name of
its column is part of it; and SQLite's indexes, which it can't rename. SQLite keeps the old names of constraints, which
it can't rename either, and which nothing uses.
"""

import sqlalchemy as sa
from alembic import op


revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TABLES = {"event_counter": "event_sequence"}
"""The new name of each renamed table by its old one."""
COLUMNS = {
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
INDEXES = (
    ("product", True, ("tenant_id", "position")),
    ("product", False, ("tenant_id", "category", "position")),
    ("order_line", False, ("tenant_id", "product_id", "position")),
)
"""The indexes whose name holds the name of a table or column: the table, whether it is unique, its columns; all by new
names. They are named as the metadata's convention has it: ix_<table>_<columns>."""


def upgrade() -> None:
    drop_search_index("place")
    for old, new in TABLES.items():
        op.rename_table(old, new)
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    rename_constraints(TABLES)
    for index in INDEXES:
        rename_index(*index, old_to_new=True)
    create_search_index("search_text", "position")


def downgrade() -> None:
    drop_search_index("position")
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
    for old, new in TABLES.items():
        op.rename_table(new, old)
    rename_constraints({new: old for old, new in TABLES.items()})
    for index in INDEXES:
        rename_index(*index, old_to_new=False)
    create_search_index("words", "place")


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def rename_constraints(tables: dict[str, str]) -> None:
    """The primary key and the reference to the tenant of each renamed table; all that is named after it."""
    if is_sqlite():
        return
    for old, new in tables.items():
        for constraint in ("pk_{}", "fk_{}_tenant"):
            op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT {constraint.format(old)} TO {constraint.format(new)}")


def rename_index(table: str, unique: bool, columns: tuple[str, ...], old_to_new: bool) -> None:
    """Give the index the name that goes with its table's and columns' names; these are renamed already."""
    old_table = next((old for old, new in TABLES.items() if new == table), table)
    old_columns = [next((old for old, new in COLUMNS[table].items() if new == name), name) for name in columns]
    names = "_".join(("ix", old_table, *old_columns)), "_".join(("ix", table, *columns))
    before, after = names if old_to_new else names[::-1]
    if before == after:
        return
    if is_sqlite():
        op.execute(f"DROP INDEX {before}")
        op.create_index(after, table if old_to_new else old_table, columns if old_to_new else old_columns, unique=unique)
    else:
        op.execute(f"ALTER INDEX {before} RENAME TO {after}")


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
