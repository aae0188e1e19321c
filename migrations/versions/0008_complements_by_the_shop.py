"""complements by the shop: those of `goes_with`, in several languages, beside the generated ones"""

import sqlalchemy as sa
from alembic import op


revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("complement", sa.Column("source", sa.String(length=8), nullable=False, server_default="llm"))
    op.add_column("complement", sa.Column("position", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("complement", sa.Column("explanation_translations", sa.JSON(), nullable=True))


def downgrade() -> None:
    for name in ("explanation_translations", "position", "source"):
        op.drop_column("complement", name)
