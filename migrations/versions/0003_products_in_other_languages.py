"""products in other languages: names and descriptions by language, beside those in the shop's own"""

import sqlalchemy as sa
from alembic import op


revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("product", sa.Column("names", sa.JSON(), nullable=True))
    op.add_column("product", sa.Column("descriptions", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("product", "descriptions")
    op.drop_column("product", "names")
