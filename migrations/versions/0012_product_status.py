"""products that aren't on sale: drafts, and archived ones, whose variants are archived with them

A list of the shop reads the products on sale only, by the indexes that have no others.
"""

import sqlalchemy as sa
from alembic import op


revision = "0012"
down_revision = "0010"
branch_labels = None
depends_on = None

STATUS = (
    "ALTER TABLE product ADD COLUMN status VARCHAR(8) DEFAULT 'active' NOT NULL "
    "CONSTRAINT ck_product_status_known CHECK (status IN ('active', 'draft', 'archived'))"
)
CATEGORY = ("ix_product_tenant_id_category_position", ["tenant_id", "category", "position"])
POSITION = ("ix_product_on_sale_position", ["tenant_id", "position"])
ON_SALE = sa.text("status = 'active'")


def upgrade() -> None:
    op.execute(STATUS)
    op.add_column(
        "variant", sa.Column("archived_with_product", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.drop_index(CATEGORY[0], "product")
    for name, columns in (CATEGORY, POSITION):
        op.create_index(name, "product", columns, sqlite_where=ON_SALE, postgresql_where=ON_SALE)


def downgrade() -> None:
    """Products that aren't on sale stay, sold out."""
    for name, _ in (POSITION, CATEGORY):
        op.drop_index(name, "product")
    op.drop_column("variant", "archived_with_product")
    op.drop_column("product", "status")
    op.create_index(CATEGORY[0], "product", CATEGORY[1])
