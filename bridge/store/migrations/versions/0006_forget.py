"""People who want to be forgotten, and what is still to be deleted at Coze.

Revision ID: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables, and note of conversations whether several people talk in them."""
    op.create_table(
        "forgettings",
        sa.Column("platform", sa.String(length=64), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("user", sa.String(length=255), nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("asked_at", _TIME, nullable=False),
        sa.Column("until", _ROW_ID, nullable=False),
        sa.Column("cursor", _ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("platform", "account", "user", name=op.f("pk_forgettings")),
    )
    op.create_table(
        "farewells",
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("since", _TIME, nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", _TIME, nullable=False),
        sa.PrimaryKeyConstraint("agent", "uid", "kind", "name", name=op.f("pk_farewells")),
    )
    op.create_index("ix_farewells_next_at", "farewells", ["next_at"], unique=False)
    op.add_column("conversations", sa.Column("shared", sa.Boolean(), nullable=True))
    op.create_index("ix_conversations_uid", "conversations", ["uid"], unique=False)
