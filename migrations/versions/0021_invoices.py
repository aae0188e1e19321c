"""invoices without gaps, texts of legal pages"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
LEGAL_PAGES = ("imprint", "terms", "privacy", "withdrawal")
JSON = sa.JSON(none_as_null=True)
TENANT = sa.table(
    "tenant",
    *(sa.column("id", sa.String), sa.column("contact", JSON)),
    *(sa.column("legal_texts", JSON), sa.column("legal_pages", JSON)),
)


def upgrade() -> None:
    op.add_column("tenant", sa.Column("legal_texts", sa.JSON(), nullable=True))
    op.add_column("tenant", sa.Column("legal_pages", sa.JSON(), nullable=True))
    op.add_column("refund", sa.Column("seller", sa.JSON(), nullable=True))
    op.create_table(
        "invoice_counter",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_invoice_counter_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "year", name=op.f("pk_invoice_counter")),
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
    move_legal_texts()
    if op.get_bind().dialect.name == "postgresql":
        mine = "tenant_id = current_setting('storefront.tenant_id', true)"
        for table in ("invoice_counter", "invoice"):
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY only_this_tenant ON {table} USING ({mine}) WITH CHECK ({mine})")


def move_legal_texts() -> None:
    """Move the texts of legal pages out of `contact`, which every request reads."""
    connection = op.get_bind()
    for row in connection.execute(sa.select(TENANT.c.id, TENANT.c.contact)).all():
        contact = dict(row.contact or {})
        texts = {page: contact.pop(page) for page in LEGAL_PAGES if contact.get(page)}
        if texts:
            values = {"contact": contact or None, "legal_texts": texts, "legal_pages": list(texts)}
            connection.execute(sa.update(TENANT).where(TENANT.c.id == row.id).values(values))


def restore_legal_texts() -> None:
    connection = op.get_bind()
    for row in connection.execute(sa.select(TENANT.c.id, TENANT.c.contact, TENANT.c.legal_texts)).all():
        if row.legal_texts:
            values = {"contact": {**(row.contact or {}), **row.legal_texts}}
            connection.execute(sa.update(TENANT).where(TENANT.c.id == row.id).values(values))


def downgrade() -> None:
    restore_legal_texts()
    op.drop_table("invoice")
    op.drop_table("invoice_counter")
    op.drop_column("refund", "seller")
    op.drop_column("tenant", "legal_pages")
    op.drop_column("tenant", "legal_texts")
