"""Every migration leaves a database in which the program before it can go on working.

What may be added stands here. A migration that does anything else must raise the mark
(`bridge/store/mark.py`), which keeps older programs away.
"""

import io
import re

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from alembic.script import Script, ScriptDirectory

from bridge.store.mark import oldest_of
from bridge.store.schema import SCRIPTS

MIGRATIONS = sorted(ScriptDirectory(str(SCRIPTS)).walk_revisions(), key=lambda s: s.revision)

CREATE = re.compile(r'CREATE TABLE "?(\w+)"?')
INDEX = re.compile(r'CREATE (UNIQUE )?INDEX "?\w+"? ON "?(\w+)"?')
ADD = re.compile(r'ALTER TABLE "?\w+"? ADD COLUMN (.*)', re.DOTALL)
REFERENCE = re.compile(r'REFERENCES "?(\w+)"?[^,]*')


def statements(migration: Script) -> list[str]:
    """What it tells PostgreSQL."""
    told = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": told}
    )
    with Operations.context(context):
        migration.module.upgrade()
    return [" ".join(part.split()) for part in told.getvalue().split(";") if part.strip()]


def harms(told: list[str]) -> list[str]:
    """The statements that a program which knows nothing of them could stumble over."""
    new = {found[1] for each in told if (found := CREATE.match(each))}
    return [each for each in told if not is_harmless(each, new)]


def is_harmless(told: str, new: set[str]) -> bool:
    if CREATE.match(told):
        return all(lets_go(reference, new) for reference in REFERENCE.finditer(told))
    if found := INDEX.match(told):
        return not found[1] or found[2] in new
    if found := ADD.match(told):
        column = found[1]
        filled = " NOT NULL" not in column or " DEFAULT " in column
        others = re.search(r"UNIQUE|CHECK|PRIMARY KEY", column)
        return filled and not others and all(lets_go(r, new) for r in REFERENCE.finditer(column))
    return False


def lets_go(reference: re.Match[str], new: set[str]) -> bool:
    """Whether a row that was there before can still be deleted by who knows nothing of this."""
    return reference[1] in new or "ON DELETE CASCADE" in reference[0]


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda script: script.revision)
def test_a_migration_only_adds_or_says_who_may_run_with_it(migration: Script) -> None:
    wrong = harms(statements(migration))
    said = getattr(migration.module, "oldest", None)
    assert not wrong or said, f"{migration.path}: raise the mark, or do it otherwise: {wrong}"


@pytest.mark.parametrize("migration", MIGRATIONS, ids=lambda script: script.revision)
def test_a_mark_is_a_revision_there_is_by_then(migration: Script) -> None:
    said = getattr(migration.module, "oldest", None)
    before = [each.revision for each in MIGRATIONS if each.revision <= migration.revision]
    assert said in [None, *before]


def test_the_mark_is_the_newest_that_was_said() -> None:
    scripts = ScriptDirectory(str(SCRIPTS))
    said = [getattr(each.module, "oldest", None) for each in MIGRATIONS]
    told = [each for each in said if each]
    assert oldest_of(scripts) == (told[-1] if told else MIGRATIONS[0].revision)


HARMLESS = [
    "CREATE TABLE files (id BIGINT NOT NULL)",
    "CREATE TABLE files (turn BIGINT, FOREIGN KEY(turn) REFERENCES turns (id) ON DELETE CASCADE)",
    "CREATE INDEX ix_turns_x ON turns (x)",
    "ALTER TABLE turns ADD COLUMN mood VARCHAR(8)",
    "ALTER TABLE turns ADD COLUMN mood VARCHAR(8) DEFAULT 'good' NOT NULL",
]
HARMFUL = [
    "DROP TABLE turns",
    "ALTER TABLE turns DROP COLUMN error",
    "ALTER TABLE turns RENAME COLUMN error TO fault",
    "ALTER TABLE turns RENAME TO rounds",
    "ALTER TABLE turns ADD COLUMN mood VARCHAR(8) NOT NULL",
    "ALTER TABLE turns ADD COLUMN file BIGINT REFERENCES files (id)",
    "ALTER TABLE turns ALTER COLUMN error SET NOT NULL",
    "ALTER TABLE turns ALTER COLUMN lane TYPE VARCHAR(64)",
    "ALTER TABLE turns ADD CONSTRAINT uq_turns_x UNIQUE (x)",
    "CREATE UNIQUE INDEX ix_turns_x ON turns (x)",
    "CREATE TABLE files (turn BIGINT, FOREIGN KEY(turn) REFERENCES turns (id))",
    "UPDATE turns SET state = 'over'",
]


CASES = [*((each, True) for each in HARMLESS), *((each, False) for each in HARMFUL)]


@pytest.mark.parametrize(("told", "may"), CASES)
def test_what_may_be_done_without_raising_the_mark(told: str, may: bool) -> None:
    assert (harms([told]) == []) is may


def test_what_is_new_may_be_made_as_it_likes() -> None:
    own = "CREATE TABLE parts (file BIGINT, FOREIGN KEY(file) REFERENCES files (id))"
    assert harms([HARMLESS[0], own, "CREATE UNIQUE INDEX ix_files_x ON files (x)"]) == []
