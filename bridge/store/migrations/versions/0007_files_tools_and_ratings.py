"""Files of a question, what tools were called for, and what readers think of an answer.

Revision ID: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables, and find a turn by a message of its answer."""
    op.create_table(
        "files",
        sa.Column("turn", _ROW_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("refused", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["turn"], ["turns.id"], name=op.f("fk_files_turn_turns"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("turn", "number", name=op.f("pk_files")),
    )
    op.create_table(
        "tool_calls",
        sa.Column("turn", _ROW_ID, nullable=False),
        sa.Column("call", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("runs", sa.Integer(), nullable=False),
        sa.Column("output", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["turn"], ["turns.id"], name=op.f("fk_tool_calls_turn_turns"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("turn", "call", name=op.f("pk_tool_calls")),
    )
    op.add_column("turns", sa.Column("again", _ROW_ID, nullable=True))
    op.add_column("turns", sa.Column("answer_id", sa.String(length=64), nullable=True))
    op.add_column("turns", sa.Column("rating", sa.String(length=8), nullable=True))
    op.create_index("ix_outbox_message_id", "outbox", ["message_id"], unique=False)
