"""suggestions that learn: what orders teach, the model's calls and answers apart from what was shown, the experiment"""

from typing import Any

import sqlalchemy as sa
from alembic import op


revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TENANT_TABLES = (
    "event_counter",
    "upsell_showing",
    "upsell_answer",
    "upsell_usage",
    "upsell_exposure",
    "upsell_learned",
    "product_affinity",
    "group_affinity",
    "complement",
)


def tenant_table(name: str, key: list[sa.Column[Any]], *rest: sa.schema.SchemaItem) -> None:
    """A table whose rows belong to a tenant, which is the first part of its key."""
    op.create_table(
        name,
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        *key,
        *rest,
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f(f"fk_{name}_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", *(column.name for column in key), name=op.f(f"pk_{name}")),
    )


def upgrade() -> None:
    op.add_column("tenant", sa.Column("upsell", sa.JSON(), nullable=True))
    tenant_table("event_counter", [], sa.Column("last", sa.BigInteger(), nullable=False))
    tenant_table(
        "upsell_showing",
        [sa.Column("id", sa.String(length=32), nullable=False)],
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("cart_id", sa.String(length=32), nullable=False),
        sa.Column("arm", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("call_id", sa.String(length=32), nullable=True),
        sa.Column("suggestions", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_upsell_showing_tenant_id_cart_id_place", "upsell_showing", ["tenant_id", "cart_id", "place"])
    op.create_index("ix_upsell_showing_tenant_id_place", "upsell_showing", ["tenant_id", "place"])
    tenant_table(
        "upsell_answer",
        [sa.Column("key", sa.String(length=64), nullable=False)],
        sa.Column("same_cart", sa.String(length=64), nullable=False),
        sa.Column("cart_id", sa.String(length=32), nullable=False),
        sa.Column("call_id", sa.String(length=32), nullable=True),
        sa.Column("suggestions", sa.JSON(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
    )
    op.create_index(
        "ix_upsell_answer_tenant_id_same_cart_answered_at", "upsell_answer", ["tenant_id", "same_cart", "answered_at"]
    )
    op.create_index("ix_upsell_answer_tenant_id_asked_at", "upsell_answer", ["tenant_id", "asked_at"])
    op.create_index("ix_upsell_answer_tenant_id_cart_id", "upsell_answer", ["tenant_id", "cart_id"])
    tenant_table(
        "upsell_usage",
        [sa.Column("day", sa.Date(), nullable=False)],
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("tokens", sa.BigInteger(), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
    )
    tenant_table(
        "upsell_exposure",
        [sa.Column("cart_id", sa.String(length=32), nullable=False)],
        sa.Column("shopper", sa.String(length=32), nullable=False),
        sa.Column("arm", sa.String(length=8), nullable=False),
        sa.Column("shares", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_index("ix_upsell_exposure_tenant_id_created_at", "upsell_exposure", ["tenant_id", "created_at"])
    engine()
    calls_apart_from_showings()
    if op.get_bind().dialect.name == "postgresql":
        row_level_security(TENANT_TABLES)
    carry_over()


def engine() -> None:
    of_a_product = ("tenant_id", "product_id"), ("product.tenant_id", "product.id")
    tenant_table(
        "product_affinity",
        [sa.Column("product_id", sa.String(length=64), nullable=False)],
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("prepared", sa.String(length=16), nullable=False),
        sa.Column("together", sa.LargeBinary(), nullable=False),
        sa.Column("alike", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(*of_a_product, name=op.f("fk_product_affinity_product")),
    )
    op.create_index("ix_product_affinity_tenant_id_number", "product_affinity", ["tenant_id", "number"], unique=True)
    tenant_table(
        "group_affinity",
        [sa.Column("name", sa.String(length=80), nullable=False)],
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("together", sa.LargeBinary(), nullable=False),
    )
    op.create_index("ix_group_affinity_tenant_id_number", "group_affinity", ["tenant_id", "number"], unique=True)
    tenant_table(
        "complement",
        [
            sa.Column("product_id", sa.String(length=64), nullable=False),
            sa.Column("other_id", sa.String(length=64), nullable=False),
            sa.Column("category", sa.String(length=80), nullable=False),
        ],
        sa.Column("why", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(*of_a_product, name=op.f("fk_complement_product")),
    )
    tenant_table(
        "upsell_learned",
        [],
        sa.Column("event", sa.BigInteger(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("texts", sa.String(length=64), nullable=False),
    )


def calls_apart_from_showings() -> None:
    """`upsell_call` held showings and the calls behind them in one row; now it holds calls."""
    with op.batch_alter_table("upsell_call") as table:
        table.add_column(sa.Column("prompt_version", sa.String(), nullable=False, server_default="1"))
        table.add_column(sa.Column("language", sa.String(), nullable=False, server_default="en"))
        table.add_column(sa.Column("cost", sa.BigInteger(), nullable=True))
        table.add_column(sa.Column("dropped", sa.JSON(), nullable=False, server_default="{}"))
    op.create_index("ix_upsell_call_tenant_id_place", "upsell_call", ["tenant_id", "place"])


def carry_over() -> None:
    """Old rows, tenant by tenant, because the policies hold this migration too: each showing to its new table, and the
    counter to where the events' ids are."""
    connection = op.get_bind()
    for (tenant_id,) in connection.execute(sa.text("SELECT id FROM tenant")).all():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SELECT set_config('storefront.tenant_id', :id, true)"), {"id": tenant_id})
        for statement in (
            "INSERT INTO upsell_showing (tenant_id, id, place, cart_id, arm, source, outcome, call_id, suggestions, "
            "created_at) SELECT tenant_id, id, place, cart_id, arm, source, outcome, CASE WHEN model IS NULL THEN NULL "
            "ELSE id END, suggestions, created_at FROM upsell_call WHERE tenant_id = :id",
            "DELETE FROM upsell_call WHERE tenant_id = :id AND model IS NULL",
            "UPDATE upsell_call SET response = coalesce(response, ''), prompt_tokens = coalesce(prompt_tokens, 0), "
            "completion_tokens = coalesce(completion_tokens, 0), latency_ms = coalesce(latency_ms, 0) "
            "WHERE tenant_id = :id",
            "INSERT INTO event_counter (tenant_id, last) SELECT tenant_id, max(id) FROM event WHERE tenant_id = :id "
            "GROUP BY tenant_id",
        ):
            connection.execute(sa.text(statement), {"id": tenant_id})
    with op.batch_alter_table("upsell_call") as table:
        table.drop_column("arm")
        table.drop_column("source")
        for name in ("model", "prompt", "response", "prompt_tokens", "completion_tokens", "latency_ms"):
            table.alter_column(name, nullable=False)


def row_level_security(tables: tuple[str, ...]) -> None:
    mine = "tenant_id = current_setting('storefront.tenant_id', true)"
    for table in tables:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY only_this_tenant ON {table} USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    """What was shown and learned since goes with its tables; the calls of the model stay."""
    op.drop_index("ix_upsell_call_tenant_id_place", "upsell_call")
    with op.batch_alter_table("upsell_call") as table:
        table.add_column(sa.Column("arm", sa.String(length=8), nullable=False, server_default="model"))
        table.add_column(sa.Column("source", sa.String(length=8), nullable=True))
        for name in ("prompt_version", "language", "cost", "dropped"):
            table.drop_column(name)
        for name in ("model", "prompt", "response", "prompt_tokens", "completion_tokens", "latency_ms"):
            table.alter_column(name, nullable=True)
    for name in reversed(TENANT_TABLES):
        op.drop_table(name)
    op.execute("ALTER TABLE tenant DROP COLUMN upsell")  # not by a copy of the table, which others refer to
