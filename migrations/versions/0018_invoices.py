"""invoices without gaps, texts of legal pages"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0014"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("tenant", sa.Column("legal_texts", sa.JSON(), nullable=True))
    op.add_column("tenant", sa.Column("legal_pages", sa.JSON(), nullable=True))
    op.create_table(
        "document_number",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_document_number_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "kind", "year", name=op.f("pk_document_number")),
    )
    op.create_table(
        "invoice",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("issued_at", TIME, nullable=False),
        sa.Column("supplied_at", TIME, nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("seller", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name=op.f("fk_invoice_orders")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_invoice_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", name=op.f("pk_invoice")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_invoice_tenant_id_number")),
    )
    if op.get_bind().dialect.name == "postgresql":
        mine = "tenant_id = current_setting('storefront.tenant_id', true)"
        for table in ("document_number", "invoice"):
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY only_this_tenant ON {table} USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    op.drop_table("invoice")
    op.drop_table("document_number")
    op.drop_column("tenant", "legal_pages")
    op.drop_column("tenant", "legal_texts")
