"""User variables that Coze does not take, so that nobody asks it again and again.

Revision ID: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "refused_variables",
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("keyword", sa.String(length=255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("circumstances", sa.String(length=255), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("agent", "keyword", name=op.f("pk_refused_variables")),
    )
