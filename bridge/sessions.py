"""Who is this, and which conversation goes on: a message becomes a `Session`."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bridge.config import GroupScope, SessionSettings
from bridge.events import ChatKind, Inbound
from bridge.lanes import is_shared, lane_of
from bridge.store import Store
from bridge.store.run import Transaction
from bridge.store.sessions import (
    Known,
    Resumed,
    Session,
    StoredSession,
    begin_conversation,
    remember_user,
    resume,
)
from bridge.upstream import Agent

UID_LENGTH = 32  # hex digits, 128 bits: nobody meets another's by chance


@dataclass(frozen=True, slots=True)
class _Who:
    """Who an event is from. own: the uid before any link, of the person or of a whole group."""

    lane: str
    agent: str
    known: Known
    own: str
    shared: bool


class Sessions:
    """Raises `Unreachable` (database) everywhere, and what `Agent.begin` raises in `open`.

    agent_of: which agent answers on which account.
    key: the secret of `connector_uid`s, made once and stored.
    """

    def __init__(
        self,
        store: Store,
        *,
        agents: Mapping[str, Agent],
        agent_of: Mapping[str, str],
        settings: SessionSettings,
        key: str,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._agents = agents
        self._agent_of = agent_of
        self._settings = settings
        self._key = key.encode()
        self._now = now

    async def resolve(
        self, event: Inbound, *, asked_in: str | None = None, visits: bool = True
    ) -> Session:
        """Find out who talks, with which agent, and what conversation they were having.

        asked_in: the conversation in which this very message was asked before a crash.
        visits: they were here just now, and are remembered.
        """
        who = self._who(event)
        resumed = await self._store.read(resume(who.lane, who.known, who.own))
        if visits and resumed.is_news(who.known, self._now()):
            await self._store.write(remember_user(who.known, self._now()))
        session = self._session(who, resumed)
        return replace(session, conversation_id=asked_in) if asked_in else session

    def resolve_in(self, transaction: Transaction, event: Inbound) -> Session:
        """`resolve` for somebody who is here just now, inside a transaction that writes."""
        who = self._who(event)
        resumed = resume(who.lane, who.known, who.own)(transaction)
        if resumed.is_news(who.known, self._now()):
            remember_user(who.known, self._now())(transaction)
        return self._session(who, resumed)

    async def open(self, session: Session, title: str) -> Session:
        """Make sure there is a conversation to ask in; a new one is named after its question.

        That it is used is written with the question (`Ledger.asking`).
        """
        if session.conversation_id is not None:
            return session
        conversation_id = await self._agents[session.agent].of(session.uid).begin()
        await self._store.write(
            begin_conversation(session, conversation_id, title, self._now()),
        )
        return replace(session, conversation_id=conversation_id, fresh=True)

    def _who(self, event: Inbound) -> "_Who":
        lane = lane_of(event, self._settings.group_scope)
        agent = self._agent_of[event.chat.account]
        known = Known(event.chat, event.user, self._hash(event, "user", event.user.id))
        shared = is_shared(event, self._settings.group_scope)
        return _Who(lane, agent, known, self._of_group(event) or known.uid, shared)

    def _session(self, who: "_Who", resumed: Resumed) -> Session:
        conversation_id = self._current(resumed, who.agent)
        alone = who.own if who.own != resumed.uid else None
        return Session(
            who.lane, who.agent, resumed.uid, conversation_id, alone=alone, shared=who.shared
        )

    def _current(self, resumed: Resumed, agent: str) -> str | None:
        """The conversation that goes on; None to begin a new one."""
        stored = resumed.session
        if stored is None or stored.agent != agent or self._is_stale(stored):
            return None
        begun_by = resumed.begun_by or resumed.uid
        return stored.conversation_id if self._is_open_to(resumed.uid, begun_by, agent) else None

    def _is_open_to(self, uid: str, begun_by: str, agent: str) -> bool:
        """Tell whether a person may go on with a conversation of another, as after /link.

        With a token for each person (`coze.oauth.per_user`) Coze keeps them apart, and what it
        says to such a question is not documented; so it is not asked.
        """
        its = self._agents[agent]
        return uid == begun_by or its.of(uid) is its.of(begun_by)

    def _is_stale(self, stored: StoredSession) -> bool:
        silence = self._settings.idle_reset
        return silence is not None and (self._now() - stored.used_at).total_seconds() > silence

    def _of_group(self, event: Inbound) -> str | None:
        """The uid of a group that shares its conversation, and so is a person of its own."""
        alone = event.chat.kind is ChatKind.PRIVATE
        if alone or self._settings.group_scope is not GroupScope.CHAT:
            return None
        return self._hash(event, "chat", event.chat.chat)

    def _hash(self, event: Inbound, *who: str) -> str:
        """A keyed hash, so that Coze learns no platform id and nobody can guess one.

        This is the identity's own uid; whoever was joined with others by /link goes by theirs
        (`bridge.store.links`).
        """
        message = "\0".join((event.chat.platform, event.chat.account, *who)).encode()
        return hmac.new(self._key, message, hashlib.sha256).hexdigest()[:UID_LENGTH]
