"""the outbox of mails; the language of an order"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
WAITING, FAILED = sa.text("status = 'waiting'"), sa.text("status = 'failed'")


def upgrade() -> None:
    op.add_column("orders", sa.Column("language", sa.String(length=8), nullable=True))
    op.create_table(
        "outbox",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=True),
        sa.Column(
            "recipient",
            sa.String(length=254).with_variant(sa.String(length=254, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("resent_at", TIME, nullable=True),
        sa.Column("next_attempt_at", TIME, nullable=False),
        sa.Column("claim", sa.String(length=32), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("last_error", sa.String(), nullable=True),
        sa.CheckConstraint("status IN ('waiting', 'sent', 'failed')", name=op.f("ck_outbox_status_known")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_outbox_tenant")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name=op.f("fk_outbox_orders")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_tenant_id_order_id_id", "outbox", ["tenant_id", "order_id", "id"])
    op.create_index("ix_outbox_tenant_id_recipient_id", "outbox", ["tenant_id", "recipient", "id"])
    op.create_index(
        *("ix_outbox_due", "outbox", ["tenant_id", "next_attempt_at"]), sqlite_where=WAITING, postgresql_where=WAITING
    )
    op.create_index(
        *("ix_outbox_failed", "outbox", ["tenant_id", "id"]), sqlite_where=FAILED, postgresql_where=FAILED
    )
    if not is_sqlite():
        mine = "tenant_id = current_setting('storefront.tenant_id', true)"
        op.execute("ALTER TABLE outbox ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE outbox FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY only_this_tenant ON outbox USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    op.drop_table("outbox")
    op.drop_column("orders", "language")


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"
