"""Who is who, and which conversation goes on where."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, bindparam, delete, exists, literal, select

from bridge.events import ChatRef, User
from bridge.store.links import person_of
from bridge.store.run import Job
from bridge.store.tables import conversations, forgettings, identities, sessions
from bridge.store.upsert import change, put

_OF_LANE = select(sessions).where(sessions.c.lane == bindparam("lane"))
# A row even for a lane that has none yet: all the answers cost one trip to the database.
_WHO = ("platform", "account", "user")
_RESUMED = select(
    person_of(bindparam("uid", type_=identities.c.uid.type)).label("person"),
    sessions,
    conversations.c.uid.label("begun_by"),
    identities.c.uid.label("own"),
    identities.c.name,
    identities.c.seen_at,
    exists().where(*(forgettings.c[name] == bindparam(name) for name in _WHO)).label("leaves"),
).select_from(
    select(literal(1))
    .subquery()
    .outerjoin(sessions, sessions.c.lane == bindparam("lane"))
    .outerjoin(conversations, conversations.c.conversation_id == sessions.c.conversation_id)
    .outerjoin(identities, and_(*(identities.c[name] == bindparam(name) for name in _WHO)))
)

SEEN_WITHIN = timedelta(minutes=5)
"""How exactly it is noted when somebody was last here: operators read it, and retention by days.

While somebody is being forgotten it is noted each time, for they may be back by a minute after.
"""
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

    @property
    def key(self) -> dict[str, str]:
        return {"platform": self.chat.platform, "account": self.chat.account, "user": self.user.id}

    @property
    def name(self) -> str:
        """As much of it as is stored."""
        return self.user.name[:255]


@dataclass(frozen=True, slots=True)
class Seen:
    """What is stored of an identity. leaves: it is being forgotten."""

    uid: str
    name: str
    at: datetime
    leaves: bool


@dataclass(frozen=True, slots=True)
class Resumed:
    """uid: of the person that the identity is now; session: None if there never was one.

    begun_by: the uid that the session's conversation was begun with, where that is known.
    seen: None if the identity is not known.
    """

    uid: str
    session: StoredSession | None
    begun_by: str | None = None
    seen: Seen | None = None

    def is_news(self, who: Known, now: datetime) -> bool:
        """Tell whether it has to be noted that they are here, with `remember_user`."""
        seen = self.seen
        if seen is None or seen.leaves or (seen.uid, seen.name) != (who.uid, who.name):
            return True
        return abs(now - seen.at) >= SEEN_WITHIN


def remember_user(who: Known, now: datetime) -> Job[None]:
    """Note that this identity has this uid of its own, and was here."""

    def job(connection: Connection) -> None:
        seen = {"uid": who.uid, "name": who.name, "seen_at": now}
        if not change(connection, identities, who.key, **seen):
            put(connection, identities, **who.key, **seen, created_at=now)

    return job


def session_of(lane: str) -> Job[StoredSession | None]:
    """What goes on in a lane; None if nothing ever has."""

    def job(connection: Connection) -> StoredSession | None:
        row = connection.execute(_OF_LANE, {"lane": lane}).first()
        return StoredSession(row.agent, row.conversation_id, row.used_at) if row else None

    return job


def resume(lane: str, who: Known, uid: str) -> Job[Resumed]:
    """Which person it is, what goes on in the lane, and what is noted of this identity.

    uid: of who speaks, before any link: the user's own, or that of a group that is one person.
    """
    named = {"lane": lane, "uid": uid, **who.key}

    def job(connection: Connection) -> Resumed:
        row = connection.execute(_RESUMED, named).one()
        seen = Seen(row.own, row.name, row.seen_at, row.leaves) if row.own else None
        if row.lane is None:
            return Resumed(row.person, None, seen=seen)
        stored = StoredSession(row.agent, row.conversation_id, row.used_at)
        return Resumed(row.person, stored, row.begun_by, seen)

    return job


def go_on_in(lane: str, agent: str, conversation_id: str, now: datetime) -> Job[None]:
    """Make a conversation the lane's current one."""
    going_on = {"agent": agent, "conversation_id": conversation_id, "used_at": now}
    return lambda connection: put(connection, sessions, lane=lane, **going_on)


def use_conversation(lane: str, agent: str, conversation_id: str, now: datetime) -> Job[None]:
    """Make a conversation the lane's current one, and the newest in its history."""

    def job(connection: Connection) -> None:
        go_on_in(lane, agent, conversation_id, now)(connection)
        note_use(connection, conversation_id, now)

    return job


def note_use(connection: Connection, conversation_id: str, now: datetime) -> None:
    """Make a conversation the newest in its lane's history."""
    change(connection, conversations, {"conversation_id": conversation_id}, used_at=now)


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
