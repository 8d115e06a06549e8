"""The tables. Rows only move forward; what each state means is in docs/architecture.md.

What only PostgreSQL is told (a `fillfactor`, and the same WHERE for an index as SQLite) stands in
the migrations alone: here it would load that dialect for SQLite as well, 2 MB and 30 ms.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.types import TypeEngine


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC on both sides; SQLite keeps no zone, so a naive value is refused, not guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        stored: datetime = value
        return stored.replace(tzinfo=UTC) if stored.tzinfo is None else stored.astimezone(UTC)


# SQLite gives out row ids by itself only for a column that is exactly INTEGER.
RowId = BigInteger().with_variant(Integer, "sqlite")

# Used on PostgreSQL alone; SQLite has the tables, so that both databases have the same.
Instants = ARRAY(Double).with_variant(Text, "sqlite")


class Crowds(TypeDecorator[Any]):
    """JSONB on PostgreSQL, whose dialect is not loaded for SQLite: that would be 2 MB."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name != "postgresql":
            return dialect.type_descriptor(Text())
        from sqlalchemy.dialects.postgresql import JSONB  # noqa: PLC0415  see above

        return dialect.type_descriptor(JSONB())


metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

inbox = Table(
    "inbox",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("platform", String(64), nullable=False),
    Column("account", String(64), nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("lane", String(512), nullable=False),
    Column("payload", Text, nullable=False),  # bridge.events.Inbound as JSON
    Column("received_at", UtcDateTime, nullable=False),
    UniqueConstraint("platform", "account", "event_id"),
    sqlite_autoincrement=True,  # an id is never given out twice, even after retention
)

turns = Table(
    "turns",
    metadata,
    Column("id", RowId, ForeignKey("inbox.id", ondelete="CASCADE"), primary_key=True),
    Column("lane", String(512), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("merged_into", RowId),
    Column("conversation_id", String(64)),
    Column("chat_id", String(64)),
    Column("question", Text),  # what was asked, where it is not the text of the event
    Column("again", RowId),  # the turn in which that was first asked
    Column("answer", Text),
    Column("answer_id", String(64)),  # of the answer's last message at Coze
    Column("rating", String(8)),  # what its reader thinks of it: bridge.upstream.Rating
    Column("error", Text),
    Column("attempts", Integer, nullable=False),  # runs begun without progress since
    Column("failures", Integer, nullable=False),  # of these, ended by a bug
    Column("retries", Integer, nullable=False),  # runs ended by something that may pass
    Column("created_at", UtcDateTime, nullable=False),
    Column("asked_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    # Partial, because a lane's open turns are a handful among all it ever had.
    Index(
        "ix_turns_open",
        "lane",
        "id",
        sqlite_where=text("ended_at IS NULL"),
    ),
    Index("ix_turns_lane_id", "lane", "id"),
    Index(  # as `bridge.store.overview` asks for it, word for word
        "ix_turns_unanswered",
        "id",
        sqlite_where=text("state IN ('dead', 'failed')"),
    ),
    Index("ix_turns_merged_into", "merged_into"),
)

lanes = Table(
    "lanes",
    metadata,
    Column("lane", String(512), primary_key=True),
    Column("fence", BigInteger, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("platform", String(64), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("user", String(255), primary_key=True),
    Column("uid", String(64), nullable=False),  # its own; the person's, if joined: see links
    Column("name", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Index("ix_identities_uid", "uid"),
    Index("ix_identities_seen_at", "seen_at"),
)

links = Table(
    "links",
    metadata,
    Column("uid", String(64), primary_key=True),  # an identity's own
    Column("root", String(64), nullable=False),  # the person's; never the uid of another row
    Column("since", UtcDateTime, nullable=False),
    Index("ix_links_root", "root"),
)

link_codes = Table(
    "link_codes",
    metadata,
    Column("digest", String(64), primary_key=True),  # the code itself is not stored
    Column("uid", String(64), nullable=False),  # the own uid of whoever made it
    Column("expires_at", UtcDateTime, nullable=False),
    Column("used_by", String(64)),  # the own uid of whoever sent it first
    Index("ix_link_codes_uid", "uid"),
)

link_attempts = Table(
    "link_attempts",
    metadata,
    Column("who", String(64), primary_key=True),  # an identity's own uid; empty: all together
    Column("wrong", Integer, nullable=False),
    Column("since", UtcDateTime, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("lane", String(512), primary_key=True),
    Column("agent", String(64), nullable=False),
    Column("conversation_id", String(64)),  # None: the next question begins a new one
    Column("used_at", UtcDateTime, nullable=False),
    Index("ix_sessions_used_at", "used_at", "lane"),
)

conversations = Table(
    "conversations",
    metadata,
    Column("conversation_id", String(64), primary_key=True),
    Column("lane", String(512), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("uid", String(64), nullable=False),
    Column("title", String(255), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),
    Column("shared", Boolean),  # several people talk in it; None: begun before that was noted
    Index("ix_conversations_lane_used_at", "lane", "used_at"),
    Index("ix_conversations_uid", "uid"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("turn", RowId, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("page", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("content", Text),  # bridge.events.Page as JSON; None while it only streams
    Column("message_id", String(255)),
    Column("error", Text),
    Index("ix_outbox_message_id", "message_id"),
)

files = Table(
    "files",
    metadata,
    Column("turn", RowId, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),  # among all files of the question
    Column("kind", String(16), nullable=False),  # bridge.upstream.PartKind; text: a transcript
    Column("content", Text, nullable=False),  # its id at Coze, or what was said in it
    Column("refused", String(32), nullable=False),  # why it was not passed on; empty if it was
)

tool_calls = Table(
    "tool_calls",
    metadata,
    Column("turn", RowId, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("call", String(255), primary_key=True),
    Column("name", String(255), nullable=False),
    Column("runs", Integer, nullable=False),  # begun; counted before each
    Column("output", Text),  # None while nobody knows what came of it
)

variables = Table(
    "variables",
    metadata,
    Column("uid", String(64), primary_key=True),
    Column("agent", String(64), primary_key=True),
    Column("keyword", String(255), primary_key=True),
    Column("wanted", Text),
    Column("synced", Text),
    Column("remote", Text),
    Column("remote_at", UtcDateTime),
)

refused_variables = Table(
    "refused_variables",
    metadata,
    Column("agent", String(64), primary_key=True),
    Column("keyword", String(255), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("circumstances", String(255), nullable=False),  # under which it was refused
    Column("at", UtcDateTime, nullable=False),
)

usage = Table(
    "usage",
    metadata,
    Column("turn", RowId, primary_key=True),
    Column("agent", String(64), nullable=False),
    Column("uid", String(64), nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index("ix_usage_uid_at", "uid", "at"),
    Index("ix_usage_at", "at"),
)

admissions = Table(
    "admissions",  # of questions that may be asked; gone soon after their turn has ended
    metadata,
    Column("turn", RowId, ForeignKey("turns.id", ondelete="CASCADE"), primary_key=True),
    Column("uid", String(64), nullable=False),
    Column("agent", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("reserved", BigInteger, nullable=False),  # tokens, until the answer tells how many
    Index("ix_admissions_uid_at", "uid", "at"),
)

allowances = Table(
    "allowances",  # a row is locked by whoever counts; gone when nobody counted for a day
    metadata,
    Column("who", String(128), primary_key=True),  # see bridge.store.allowance
    Column("at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime),  # when a person was last told that there is no more
    Column("told_turn", RowId),
)

guests = Table(
    "guests",  # people whom no setting names
    metadata,
    Column("platform", String(64), primary_key=True),
    Column("user", String(255), primary_key=True),
    Column("standing", String(16), nullable=False),  # bridge.store.guests.Standing
    Column("name", String(255), nullable=False),
    Column("since", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime),  # when they last got an answer as somebody unknown
    Column("code", String(16)),  # to be told to an admin; worth nothing to anybody else
    Column("code_expires_at", UtcDateTime),
    Column("decided_by", String(255)),
    Index("ix_guests_code", "code"),
    Index("ix_guests_told_at", "told_at"),
    Index("ix_guests_standing", "standing", "since"),
)

switches = Table(
    "switches",  # a row: it is on
    metadata,
    Column("name", String(64), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(255), nullable=False),
)

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=False),  # the turn that asked for it
    Column("text", Text, nullable=False),
    Column("by", String(255), nullable=False),
    Column("state", String(16), nullable=False),
    Column("since", UtcDateTime, nullable=False),  # to whom was here since then
    Column("cursor", RowId, nullable=False),  # from this message on it is done
    Column("chats", Integer, nullable=False),  # to which it was given
)

operator_log = Table(
    "operator_log",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("who", String(255), nullable=False),
    Column("what", String(64), nullable=False),
    Column("detail", Text, nullable=False),
    sqlite_autoincrement=True,
)

admin_sessions = Table(
    "admin_sessions",
    metadata,
    Column("digest", String(64), primary_key=True),  # what the browser has is not stored
    Column("expires_at", UtcDateTime, nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(255), primary_key=True),
    Column("value", Text, nullable=False),
)

vault = Table(
    "vault",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("value", Text, nullable=False),  # sealed, see bridge/store/seal.py
    Column("expires_at", UtcDateTime),  # None: stays until somebody removes it
)

transcript_chats = Table(
    "transcript_chats",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("chat", String(255), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
)

transcript = Table(
    "transcript",
    metadata,
    Column("id", RowId, primary_key=True, autoincrement=True),
    Column("account", String(64), nullable=False),
    Column("chat", String(255), nullable=False),
    Column("author", String(8), nullable=False),
    Column("key", String(255), nullable=False),
    Column("text", Text, nullable=False),
    Column("buttons", Text, nullable=False),  # a JSON list of [label, says]
    Column("final", Boolean, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("files", Text, nullable=False, server_default=text("'[]'")),  # JSON, of EntryFile
    Column("rates", Boolean, nullable=False, server_default=false()),
    Column("rating", String(8), nullable=False, server_default=text("''")),
    UniqueConstraint("account", "chat", "key"),
    Index("ix_transcript_account_chat_id", "account", "chat", "id"),
    sqlite_autoincrement=True,
)

forgettings = Table(
    "forgettings",
    metadata,
    Column("platform", String(64), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("user", String(255), primary_key=True),
    Column("uid", String(64), nullable=False),  # its own
    Column("asked_at", UtcDateTime, nullable=False),
    Column("until", RowId, nullable=False),  # the newest message that is to be forgotten
    Column("cursor", RowId, nullable=False),  # up to this one it is done
)

farewells = Table(
    "farewells",
    metadata,
    Column("agent", String(64), primary_key=True),
    Column("uid", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),  # of what is to go at Coze
    Column("name", String(255), primary_key=True),
    Column("since", UtcDateTime, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", UtcDateTime, nullable=False),
    Index("ix_farewells_next_at", "next_at"),
)

heartbeat = Table(
    "heartbeat",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
)

# Instants are seconds since 1970 by the database's clock. The key is the only index: a row that
# changes many times a second is then changed in place, and a `fillfactor` leaves room for that.
buckets = Table(
    "buckets",
    metadata,
    Column("key", Text, primary_key=True),
    Column("due", Double, nullable=False, server_default="0"),  # of a pace: its next call
    Column("held_until", Double, nullable=False, server_default="0"),
    Column("claimed", Instants, nullable=False, server_default="{}"),  # calls not answered yet
    Column("answered", Instants, nullable=False, server_default="{}"),
    Column("edits", Instants, nullable=False, server_default="{}"),
    Column("crowds", Crowds(), nullable=False, server_default="{}"),  # replica -> [streams, when]
    Column("until", Double, nullable=False),  # from then on the row says nothing
)
