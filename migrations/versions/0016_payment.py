"""payments: methods of a shop, payment of an order, webhooks of the provider, the shop's own keys"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
TENANT_TABLES = ("payment", "payment_webhook", "payment_settings")
HAS_PAYMENT = sa.text("payment_status <> 'none'")
IS_CHECKED = sa.text("next_check_at IS NOT NULL")
IS_WAITING = sa.text("processed_at IS NULL")


def upgrade() -> None:
    op.add_column("orders", sa.Column("payment_method", sa.String(length=20), nullable=True))
    op.add_column("orders", sa.Column("payment_status", sa.String(length=20), nullable=False, server_default="none"))
    op.create_index(
        *("ix_orders_payment_status", "orders", ["tenant_id", "payment_status", "position"]),
        sqlite_where=HAS_PAYMENT,
        postgresql_where=HAS_PAYMENT,
    )
    create_payments()
    create_webhooks()
    create_settings()
    if not is_sqlite():
        mine = "tenant_id = current_setting('storefront.tenant_id', true)"
        for table in TENANT_TABLES:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY only_this_tenant ON {table} USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    for table in reversed(TENANT_TABLES):
        op.drop_table(table)
    op.drop_index("ix_orders_payment_status", "orders")
    op.drop_column("orders", "payment_status")
    op.drop_column("orders", "payment_method")


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def create_payments() -> None:
    op.create_table(
        "payment",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("method", sa.String(length=20), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("refunded", sa.BigInteger(), nullable=False),
        sa.Column("cart_id", sa.String(length=32), nullable=False),
        sa.Column("return_root", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=True),
        sa.Column("intent_id", sa.String(length=255), nullable=True),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("reference", sa.String(length=140), nullable=True),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("paid_at", TIME, nullable=True),
        sa.Column("next_check_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name=op.f("fk_payment_orders")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_payment_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", name=op.f("pk_payment")),
    )
    op.create_index(
        *("ix_payment_checked", "payment", ["tenant_id", "next_check_at"]),
        sqlite_where=IS_CHECKED,
        postgresql_where=IS_CHECKED,
    )


def create_webhooks() -> None:
    op.create_table(
        "payment_webhook",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("order_id", sa.String(length=64), nullable=True),
        sa.Column("session_id", sa.String(length=255), nullable=True),
        sa.Column("received_at", TIME, nullable=False),
        sa.Column("processed_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_payment_webhook_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment_webhook")),
    )
    op.create_index("ix_payment_webhook_tenant_id_received_at", "payment_webhook", ["tenant_id", "received_at"])
    op.create_index(
        *("ix_payment_webhook_waiting", "payment_webhook", ["tenant_id", "received_at"]),
        sqlite_where=IS_WAITING,
        postgresql_where=IS_WAITING,
    )


def create_settings() -> None:
    op.create_table(
        "payment_settings",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("stripe_secret_key", sa.String(), nullable=True),
        sa.Column("stripe_webhook_secret", sa.String(), nullable=True),
        sa.Column("bank_account", sa.String(), nullable=True),
        sa.Column("transfer_days", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_payment_settings_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", name=op.f("pk_payment_settings")),
    )
