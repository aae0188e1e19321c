"""orders: shipment, cancellation, notes, keys to search them by; events by subject

The search keys are an ordinary index of texts: row-level security keeps PostgreSQL from using a full-text index, whose
operators it doesn't trust with other tenants' rows.
"""

import re
import unicodedata
from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op


revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
COLUMNS = (
    ("carrier", sa.String()),
    ("tracking", sa.String()),
    ("fulfilled_at", TIME),
    ("cancelled_at", TIME),
    ("cancel_reason", sa.String()),
)
TENANT_TABLES = ("order_note", "order_search_key")
EVENT_TABLES = ("event", "event_archive")
BATCH = 5000
WORD = re.compile(r"[^\W_]+")
ALONE = re.compile(r"([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")


def upgrade() -> None:
    op.add_column("orders", sa.Column("position", sa.BigInteger(), nullable=False, server_default="0"))
    for name, kind in COLUMNS:
        op.add_column("orders", sa.Column(name, kind, nullable=True))
    create_notes()
    create_search_keys()
    for tenant_id in tenants():
        run(
            "UPDATE orders SET position = coalesce((SELECT min(line.position) FROM order_line AS line "
            "WHERE line.tenant_id = :id AND line.order_id = orders.id), 0) WHERE tenant_id = :id",
            tenant_id,
        )
        index_orders(tenant_id)
    op.create_index("ix_orders_tenant_id_position", "orders", ["tenant_id", "position"])
    op.create_index("ix_orders_tenant_id_status_position", "orders", ["tenant_id", "status", "position"])
    for table in EVENT_TABLES:
        op.create_index(f"ix_{table}_tenant_id_subject_id", table, ["tenant_id", "subject", "id"])
    if not is_sqlite():
        mine = "tenant_id = current_setting('storefront.tenant_id', true)"
        for table in TENANT_TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY only_this_tenant ON {table} USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    for table in EVENT_TABLES:
        op.drop_index(f"ix_{table}_tenant_id_subject_id", table)
    for table in TENANT_TABLES:
        op.drop_table(table)
    op.drop_index("ix_orders_tenant_id_status_position", "orders")
    op.drop_index("ix_orders_tenant_id_position", "orders")
    for name in (*(name for name, _ in reversed(COLUMNS)), "position"):
        op.drop_column("orders", name)


def create_notes() -> None:
    op.create_table(
        "order_note",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("author", sa.String(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name=op.f("fk_order_note_orders")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_order_note_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_order_note")),
    )
    op.create_index("ix_order_note_tenant_id_order_id", "order_note", ["tenant_id", "order_id"])


def create_search_keys() -> None:
    """Keys sort by code point, so that a range holds all that begin alike."""
    op.create_table(
        "order_search_key",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column(
            "key",
            sa.String(length=100).with_variant(sa.String(length=100, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_order_search_key_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "key", "position", name=op.f("pk_order_search_key")),
        sqlite_with_rowid=False,
    )


def index_orders(tenant_id: str) -> None:
    """Make the keys of the orders there are."""
    connection, last = op.get_bind(), -1
    table = sa.table("order_search_key", sa.column("tenant_id"), sa.column("key"), sa.column("position"))
    while True:
        rows = connection.execute(
            sa.text(
                "SELECT position, email, name FROM orders WHERE tenant_id = :id AND position > :last "
                "ORDER BY position LIMIT :batch"
            ),
            {"id": tenant_id, "last": last, "batch": BATCH},
        ).all()
        if not rows:
            return
        keys = {(key, row.position) for row in rows for key in search_keys(row.email, row.name)}
        connection.execute(
            table.insert(), [{"tenant_id": tenant_id, "key": key, "position": position} for key, position in keys]
        )
        last = rows[-1].position


def search_keys(email: str, name: str) -> set[str]:
    """As the application made them when this revision was written."""
    local = len(tokenize(email.rpartition("@")[0]))
    return {key[:100] for key in (*endings(tokenize(email))[:local], *endings(tokenize(name))) if key}


def endings(words: list[str]) -> list[str]:
    return [" ".join(words[i:]) for i in range(min(len(words), 6))]


def tokenize(text: str) -> list[str]:
    decomposed = unicodedata.normalize("NFKD", text)
    plain = "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()
    return WORD.findall(ALONE.sub(r" \1 ", plain))


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def run(statement: str, tenant_id: str) -> None:
    op.get_bind().execute(sa.text(statement), {"id": tenant_id})


def tenants() -> Iterator[str]:
    """Each tenant's id, while row-level security shows this migration its rows."""
    for tenant_id in op.get_bind().scalars(sa.text("SELECT id FROM tenant ORDER BY id")).all():
        if not is_sqlite():
            run("SELECT set_config('storefront.tenant_id', :id, true)", tenant_id)
        yield tenant_id
