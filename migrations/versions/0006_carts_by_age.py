"""carts by age: those that nobody ordered are found by their age, to be removed"""

import sqlalchemy as sa
from alembic import op


revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ONLY_OPEN = sa.text("status = 'open'")


def upgrade() -> None:
    op.create_index(
        "ix_cart_tenant_id_created_at",
        "cart",
        ["tenant_id", "created_at"],
        sqlite_where=ONLY_OPEN,
        postgresql_where=ONLY_OPEN,
    )


def downgrade() -> None:
    op.drop_index("ix_cart_tenant_id_created_at", "cart")
