"""complements by the shop: what a shop itself says goes with a product, in several languages, beside what a model said"""

import sqlalchemy as sa
from alembic import op


revision = "0008"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("complement", sa.Column("source", sa.String(length=8), nullable=False, server_default="llm"))
    op.add_column("complement", sa.Column("position", sa.SmallInteger(), nullable=False, server_default="0"))
    op.add_column("complement", sa.Column("explanation_translations", sa.JSON(), nullable=True))


def downgrade() -> None:
    for name in ("explanation_translations", "position", "source"):
        op.drop_column("complement", name)
