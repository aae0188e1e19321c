"""products that aren't on sale: drafts, and archived ones, whose variants are archived with them; order of categories

A list of the shop reads the products on sale only, by the indexes that have no others.
"""

import sqlalchemy as sa
from alembic import op


revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

STATUS = (
    "ALTER TABLE product ADD COLUMN status VARCHAR(8) DEFAULT 'active' NOT NULL "
    "CONSTRAINT ck_product_status_known CHECK (status IN ('active', 'draft', 'archived'))"
)
ON_SALE, OFF_SALE = sa.text("status = 'active'"), sa.text("status <> 'active'")
INDEXES = (
    ("ix_product_on_sale_category_position", ["tenant_id", "category", "position"], ON_SALE),
    ("ix_product_on_sale_position", ["tenant_id", "position"], ON_SALE),
    ("ix_product_off_sale_status_position", ["tenant_id", "status", "position"], OFF_SALE),
)


def upgrade() -> None:
    op.execute(STATUS)
    op.add_column(
        "variant", sa.Column("archived_with_product", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.add_column("tenant", sa.Column("category_order", sa.JSON(), nullable=True))
    for name, columns, condition in INDEXES:
        op.create_index(name, "product", columns, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    """Products that aren't on sale stay, sold out."""
    for name, _, _ in INDEXES:
        op.drop_index(name, "product")
    op.drop_column("tenant", "category_order")
    op.drop_column("variant", "archived_with_product")
    op.drop_column("product", "status")
