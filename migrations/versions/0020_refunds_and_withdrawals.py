"""refunds with their lines and the numbers of credit notes; withdrawal from an order"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TENANT_TABLES = ("refund", "refund_line", "credit_note_counter")
IS_PENDING = sa.text("status = 'pending'")
IS_WITHDRAWN = sa.text("withdrawn_at IS NOT NULL")


def upgrade() -> None:
    create_refunds()
    create_refund_lines()
    op.create_table(
        "credit_note_counter",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_credit_note_counter_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "year", name=op.f("pk_credit_note_counter")),
    )
    op.add_column("orders", sa.Column("withdrawn_at", TIME, nullable=True))
    op.add_column("orders", sa.Column("withdrawal_statement", sa.String(), nullable=True))
    op.create_index(
        *("ix_orders_withdrawn", "orders", ["tenant_id", "position"]),
        sqlite_where=IS_WITHDRAWN,
        postgresql_where=IS_WITHDRAWN,
    )
    if op.get_bind().dialect.name != "sqlite":
        mine = "tenant_id = current_setting('storefront.tenant_id', true)"
        for table in TENANT_TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY only_this_tenant ON {table} USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    op.drop_index("ix_orders_withdrawn", "orders")
    op.drop_column("orders", "withdrawal_statement")
    op.drop_column("orders", "withdrawn_at")
    for table in ("credit_note_counter", "refund_line", "refund"):
        op.drop_table(table)


def create_refunds() -> None:
    op.create_table(
        "refund",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("shipping", sa.BigInteger(), nullable=False),
        sa.Column("shipping_tax", sa.BigInteger(), nullable=False),
        sa.Column("tax_lines", sa.JSON(), nullable=True),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("provider_id", sa.String(length=255), nullable=True),
        sa.Column("failure", sa.String(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.Column("next_check_at", TIME, nullable=True),
        sa.CheckConstraint("status IN ('pending', 'succeeded', 'failed')", name=op.f("ck_refund_status_known")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_refund_amount_positive")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name=op.f("fk_refund_orders")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_refund_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_refund")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_refund_tenant_id_number")),
    )
    op.create_index("ix_refund_tenant_id_order_id", "refund", ["tenant_id", "order_id"])
    op.create_index(
        *("ix_refund_pending", "refund", ["tenant_id", "next_check_at"]),
        sqlite_where=IS_PENDING,
        postgresql_where=IS_PENDING,
    )


def create_refund_lines() -> None:
    op.create_table(
        "refund_line",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("refund_id", sa.String(length=64), nullable=False),
        sa.Column("variant_id", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("restocked", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "refund_id"], ["refund.tenant_id", "refund.id"], name=op.f("fk_refund_line_refund")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_refund_line_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "refund_id", "variant_id", name=op.f("pk_refund_line")),
    )
