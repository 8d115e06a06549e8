"""Files and ratings of messages that the bridge keeps for a platform without a memory.

Revision ID: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the columns; a replica that does not know them leaves them at their defaults."""
    files: sa.Column[str] = sa.Column(
        "files", sa.Text(), nullable=False, server_default=sa.text("'[]'")
    )
    rates: sa.Column[bool] = sa.Column(
        "rates", sa.Boolean(), nullable=False, server_default=sa.false()
    )
    rating: sa.Column[str] = sa.Column(
        "rating", sa.String(length=8), nullable=False, server_default=sa.text("''")
    )
    for column in (files, rates, rating):
        op.add_column("transcript", column)
