"""Who is signed in to the admin page, and what its lists are read by.

Revision ID: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_AT = sa.DateTime(timezone=True)
_UNANSWERED = sa.text("state IN ('dead', 'failed')")


def upgrade() -> None:
    """Create the table and the indexes; who does not know them works as before."""
    op.create_table(
        "admin_sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("expires_at", _AT, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_admin_sessions")),
    )
    op.create_index("ix_sessions_used_at", "sessions", ["used_at", "lane"], unique=False)
    op.create_index("ix_identities_seen_at", "identities", ["seen_at"], unique=False)
    op.create_index("ix_guests_standing", "guests", ["standing", "since"], unique=False)
    op.create_index(
        "ix_turns_unanswered",
        "turns",
        ["id"],
        unique=False,
        sqlite_where=_UNANSWERED,
        postgresql_where=_UNANSWERED,
    )
