"""The version after this one: a copy of the program with one more migration.

What it adds is what migrations may add; the program itself is the same.
"""

import shutil
from pathlib import Path

from alembic.script import ScriptDirectory
from daemon_process import ROOT

from bridge.store.schema import SCRIPTS

REVISION = "later"

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = "{head}"
{mark}
ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "moods",
        sa.Column("turn", ROW_ID, sa.ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("mood", sa.String(length=8), nullable=False),
    )
    op.add_column("inbox", sa.Column("origin", sa.Text(), nullable=True))
    op.add_column("lanes", sa.Column("mood", sa.String(length=8), nullable=True))
    op.add_column(
        "turns", sa.Column("mood", sa.String(length=8), server_default="good", nullable=False)
    )
    op.add_column(
        "outbox", sa.Column("mood", sa.String(length=8), server_default="good", nullable=False)
    )
    op.create_index("ix_turns_mood", "turns", ["mood"])
"""


def head() -> str:
    """The newest revision of the program as it is."""
    found = ScriptDirectory(str(SCRIPTS)).get_current_head()
    assert found is not None
    return found


def later_version(folder: Path, *, alone: bool = False) -> Path:
    """Make it; returns where it is. alone: it lets no program run that comes before it."""
    root = folder / "later"
    for package in ("bridge", "adapters"):
        shutil.copytree(ROOT / package, root / package)  # with the bytecode, which stays true
    mark = f'oldest = "{REVISION}"' if alone else ""
    text = MIGRATION.format(revision=REVISION, head=head(), mark=mark)
    migrations = root / SCRIPTS.relative_to(ROOT) / "versions"
    (migrations / f"{REVISION}.py").write_text(text, encoding="utf-8")
    return root
