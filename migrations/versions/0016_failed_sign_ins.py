"""counts of failed sign-ins, for all processes together"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "failed_sign_ins",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("window_seconds", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_seconds", name=op.f("pk_failed_sign_ins")),
    )
    op.create_index("ix_failed_sign_ins_expires_at", "failed_sign_ins", ["expires_at"])


def downgrade() -> None:
    op.drop_table("failed_sign_ins")
