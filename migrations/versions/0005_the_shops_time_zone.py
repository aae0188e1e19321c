"""the shop's time zone: in which its promotions end and its pages tell the time"""

import sqlalchemy as sa
from alembic import op


revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tenant", sa.Column("timezone", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("tenant", "timezone")
