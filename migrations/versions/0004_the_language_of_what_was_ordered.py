"""the language of what was ordered: an order keeps its names, and now knows in which language they are"""

import sqlalchemy as sa
from alembic import op


revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("order_line", sa.Column("language", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("order_line", "language")
