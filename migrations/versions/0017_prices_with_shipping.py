"""shipping, addresses, tax by class and country, limited promotions, lowest prior prices"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
COLUMNS: dict[str, tuple[tuple[str, Any], ...]] = {
    "tenant": (
        ("country", sa.String(length=2)),
        ("contact", sa.JSON()),
        ("shipping", sa.JSON()),
        ("payment", sa.JSON()),
    ),
    "product": (
        ("tax_class", sa.String(length=40)),
        ("weight", sa.Integer()),
        ("prior_price", sa.BigInteger()),
        ("prior_price_until", TIME),
    ),
    "variant": (("prior_price", sa.BigInteger()), ("prior_price_until", TIME)),
    "cart": (("country", sa.String(length=2)), ("shipping_method", sa.String(length=40))),
    "orders": (
        ("tax_lines", sa.JSON()),
        ("address", sa.JSON()),
        ("shipping_method", sa.String(length=40)),
        ("shipping_name", sa.String()),
        ("vat_id", sa.String(length=20)),
    ),
    "order_line": (("tax_rate", sa.String()),),
}
"""Columns that may be empty, by table."""
AMOUNTS = (("orders", "shipping"), ("orders", "shipping_tax"), ("order_line", "discount"), ("order_line", "tax"))


def upgrade() -> None:
    for table, columns in COLUMNS.items():
        for name, kind in columns:
            op.add_column(table, sa.Column(name, kind, nullable=True))
    for table, name in AMOUNTS:
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("orders", sa.Column("reverse_charge", sa.Boolean(), nullable=False, server_default=sa.false()))
    create_usage()
    if op.get_bind().dialect.name == "postgresql":
        mine = "tenant_id = current_setting('storefront.tenant_id', true)"
        for table in ("promotion_usage", "promotion_use"):
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY only_this_tenant ON {table} USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    op.drop_table("promotion_use")
    op.drop_table("promotion_usage")
    op.drop_column("orders", "reverse_charge")
    for table, name in reversed(AMOUNTS):
        op.drop_column(table, name)
    for table, columns in reversed(COLUMNS.items()):
        for name, _ in reversed(columns):
            op.drop_column(table, name)


def create_usage() -> None:
    op.create_table(
        "promotion_usage",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used >= 0", name=op.f("ck_promotion_usage_used_not_negative")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_promotion_usage_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "code", name=op.f("pk_promotion_usage")),
    )
    op.create_table(
        "promotion_use",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("customer", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_promotion_use_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", name=op.f("pk_promotion_use")),
    )
    op.create_index("ix_promotion_use_tenant_id_code_customer", "promotion_use", ["tenant_id", "code", "customer"])
