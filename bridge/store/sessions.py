"""Who is who, and which conversation goes on where."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, literal, select

from bridge.events import ChatRef, User
from bridge.store.links import person_of
from bridge.store.run import Job
from bridge.store.tables import conversations, identities, sessions
from bridge.store.upsert import change, put

_OF_LANE = select(sessions).where(sessions.c.lane == bindparam("lane"))
# A row even for a lane that has none yet: all the answers cost one trip to the database.
_RESUMED = select(
    person_of(bindparam("uid", type_=identities.c.uid.type)).label("person"),
    sessions,
    conversations.c.uid.label("begun_by"),
).select_from(
    select(literal(1))
    .subquery()
    .outerjoin(sessions, sessions.c.lane == bindparam("lane"))
    .outerjoin(conversations, conversations.c.conversation_id == sessions.c.conversation_id)
)

TITLE_LENGTH = 100  # Coze's limit for a conversation's name (coze-api: conversation/create)


@dataclass(frozen=True, slots=True)
class Session:
    """Who is talking to which agent, and in which conversation.

    uid: Coze's `user_id`, the person's; conversation_id: None if the next question begins a new
        one. fresh: the conversation was created for the turn at hand.
    alone: the uid of this identity by itself, where it is joined with others and goes by theirs.
    shared: others talk here as well (a thread, a group with one conversation for all).
    """

    lane: str
    agent: str
    uid: str
    conversation_id: str | None = None
    fresh: bool = False
    alone: str | None = None
    shared: bool = False

    @property
    def own_uid(self) -> str:
        """The uid of this identity, whoever it is joined with."""
        return self.alone or self.uid


@dataclass(frozen=True, slots=True)
class StoredSession:
    """conversation_id: None if the next question begins a new one."""

    agent: str
    conversation_id: str | None
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Resumed:
    """uid: of the person that the identity is now; session: None if there never was one.

    begun_by: the uid that the session's conversation was begun with, where that is known.
    """

    uid: str
    session: StoredSession | None
    begun_by: str | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation at Coze that a lane has had."""

    conversation_id: str
    title: str
    used_at: datetime


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody as one platform knows them. uid: this identity's own."""

    chat: ChatRef
    user: User
    uid: str


def remember_user(who: Known, now: datetime) -> Job[None]:
    """Note that this identity has this uid of its own, and was here."""

    def job(connection: Connection) -> None:
        chat = who.chat
        key = {"platform": chat.platform, "account": chat.account, "user": who.user.id}
        seen = {"uid": who.uid, "name": who.user.name[:255], "seen_at": now}
        if not change(connection, identities, key, **seen):
            put(connection, identities, **key, **seen, created_at=now)

    return job


def session_of(lane: str) -> Job[StoredSession | None]:
    """What goes on in a lane; None if nothing ever has."""

    def job(connection: Connection) -> StoredSession | None:
        row = connection.execute(_OF_LANE, {"lane": lane}).first()
        return StoredSession(row.agent, row.conversation_id, row.used_at) if row else None

    return job


def resume(lane: str, who: Known, uid: str, now: datetime, *, visits: bool = True) -> Job[Resumed]:
    """Remember the user, if they visit; return which person it is, and what goes on in the lane.

    uid: of who speaks, before any link: the user's own, or that of a group that is one person.
    """

    def job(connection: Connection) -> Resumed:
        if visits:
            remember_user(who, now)(connection)
        row = connection.execute(_RESUMED, {"lane": lane, "uid": uid}).one()
        if row.lane is None:
            return Resumed(row.person, None)
        stored = StoredSession(row.agent, row.conversation_id, row.used_at)
        return Resumed(row.person, stored, row.begun_by)

    return job


def use_conversation(lane: str, agent: str, conversation_id: str, now: datetime) -> Job[None]:
    """Make a conversation the lane's current one."""

    def job(connection: Connection) -> None:
        put(
            connection,
            sessions,
            lane=lane,
            agent=agent,
            conversation_id=conversation_id,
            used_at=now,
        )
        change(connection, conversations, {"conversation_id": conversation_id}, used_at=now)

    return job


def begin_conversation(
    session: Session, conversation_id: str, title: str, now: datetime
) -> Job[None]:
    """Record a conversation that was just created at Coze, and make it the current one."""

    def job(connection: Connection) -> None:
        put(
            connection,
            conversations,
            conversation_id=conversation_id,
            lane=session.lane,
            agent=session.agent,
            uid=session.uid,
            title=title[:TITLE_LENGTH],
            created_at=now,
            used_at=now,
            shared=session.shared,
        )
        use_conversation(session.lane, session.agent, conversation_id, now)(connection)

    return job


def end_conversation(lane: str, agent: str, now: datetime) -> Job[None]:
    """Let the next question begin a new conversation; the old one stays in the history."""

    def job(connection: Connection) -> None:
        put(connection, sessions, lane=lane, agent=agent, conversation_id=None, used_at=now)

    return job


def name_conversation(conversation_id: str, title: str) -> Job[bool]:
    """Call a conversation something else; tell whether it is known."""
    key = {"conversation_id": conversation_id}
    return lambda connection: change(connection, conversations, key, title=title)


def forget_conversation(conversation_id: str) -> Job[None]:
    """Coze does not know it any more: drop it from every lane and the history."""

    def job(connection: Connection) -> None:
        change(connection, sessions, {"conversation_id": conversation_id}, conversation_id=None)
        gone = delete(conversations).where(conversations.c.conversation_id == conversation_id)
        connection.execute(gone)

    return job


def history(lane: str, agent: str, limit: int) -> Job[list[Conversation]]:
    """The lane's conversations, the one used last first."""

    def job(connection: Connection) -> list[Conversation]:
        statement = (
            select(conversations)
            .where(conversations.c.lane == lane, conversations.c.agent == agent)
            .order_by(conversations.c.used_at.desc(), conversations.c.conversation_id.desc())
            .limit(limit)
        )
        rows = connection.execute(statement)
        return [Conversation(row.conversation_id, row.title, row.used_at) for row in rows]

    return job


def conversation_of(lane: str, agent: str, conversation_id: str) -> Job[Conversation | None]:
    """One conversation, if the lane has had it with this agent."""

    def job(connection: Connection) -> Conversation | None:
        row = connection.execute(
            select(conversations)
            .where(conversations.c.lane == lane, conversations.c.agent == agent)
            .where(conversations.c.conversation_id == conversation_id)
        ).first()
        return Conversation(row.conversation_id, row.title, row.used_at) if row else None

    return job
