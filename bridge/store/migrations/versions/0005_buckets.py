"""Rate limits that several replicas keep together.

Revision ID: 0005
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

_INSTANTS = postgresql.ARRAY(sa.Double).with_variant(sa.Text(), "sqlite")
_CROWDS = postgresql.JSONB().with_variant(sa.Text(), "sqlite")


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "buckets",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("due", sa.Double(), server_default="0", nullable=False),
        sa.Column("held_until", sa.Double(), server_default="0", nullable=False),
        sa.Column("claimed", _INSTANTS, server_default="{}", nullable=False),
        sa.Column("answered", _INSTANTS, server_default="{}", nullable=False),
        sa.Column("edits", _INSTANTS, server_default="{}", nullable=False),
        sa.Column("crowds", _CROWDS, server_default="{}", nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_buckets")),
        postgresql_with={"fillfactor": 50},
    )
