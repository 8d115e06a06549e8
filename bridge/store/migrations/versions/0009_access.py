"""Who may ask and how much, the operators' switches and broadcasts, and what operators did.

Revision ID: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
oldest = "0009"  # programs before it cannot read turns of strangers, admins and news

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Create the tables. A replica that does not know them admits everybody it admitted before."""
    _limits()
    _people()
    _operators()


def _limits() -> None:
    op.create_table(
        "admissions",
        sa.Column("turn", _ROW_ID, nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=64), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("reserved", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["turn"], ["turns.id"], name=op.f("fk_admissions_turn_turns"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("turn", name=op.f("pk_admissions")),
    )
    op.create_index("ix_admissions_uid_at", "admissions", ["uid", "at"], unique=False)
    op.create_table(
        "allowances",
        sa.Column("who", sa.String(length=128), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("told_at", _AT, nullable=True),
        sa.Column("told_turn", _ROW_ID, nullable=True),
        sa.PrimaryKeyConstraint("who", name=op.f("pk_allowances")),
    )
    op.create_index("ix_usage_at", "usage", ["at"], unique=False)


def _people() -> None:
    op.create_table(
        "guests",
        sa.Column("platform", sa.String(length=64), nullable=False),
        sa.Column("user", sa.String(length=255), nullable=False),
        sa.Column("standing", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("since", _AT, nullable=False),
        sa.Column("told_at", _AT, nullable=True),
        sa.Column("code", sa.String(length=16), nullable=True),
        sa.Column("code_expires_at", _AT, nullable=True),
        sa.Column("decided_by", sa.String(length=255), nullable=True),
        sa.PrimaryKeyConstraint("platform", "user", name=op.f("pk_guests")),
    )
    op.create_index("ix_guests_code", "guests", ["code"], unique=False)
    op.create_index("ix_guests_told_at", "guests", ["told_at"], unique=False)


def _operators() -> None:
    op.create_table(
        "switches",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_switches")),
    )
    op.create_table(
        "broadcasts",
        sa.Column("id", _ROW_ID, autoincrement=False, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("since", _AT, nullable=False),
        sa.Column("cursor", _ROW_ID, nullable=False),
        sa.Column("chats", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_broadcasts")),
    )
    op.create_table(
        "operator_log",
        sa.Column("id", _ROW_ID, autoincrement=True, nullable=False),
        sa.Column("at", _AT, nullable=False),
        sa.Column("who", sa.String(length=255), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operator_log")),
        sqlite_autoincrement=True,
    )
