"""products in other languages: names, descriptions, and what categories and tags are called, beside the shop's own"""

import sqlalchemy as sa
from alembic import op


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenant", sa.Column("labels", sa.JSON(), nullable=True))
    op.add_column("product", sa.Column("names", sa.JSON(), nullable=True))
    op.add_column("product", sa.Column("descriptions", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("product", "descriptions")
    op.drop_column("product", "names")
    op.drop_column("tenant", "labels")
