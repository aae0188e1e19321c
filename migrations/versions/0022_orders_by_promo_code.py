"""an index of the orders that used a promotion"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

HAS_CODE = sa.text("promo_code IS NOT NULL")


def upgrade() -> None:
    op.create_index(
        *("ix_orders_promo_code", "orders", ["tenant_id", "promo_code", "status"]),
        sqlite_where=HAS_CODE,
        postgresql_where=HAS_CODE,
    )


def downgrade() -> None:
    op.drop_index("ix_orders_promo_code", "orders")
