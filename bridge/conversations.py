"""The conversations of a lane: begun anew, cut, listed, switched, named and deleted."""

from collections.abc import Callable, Mapping
from datetime import datetime

from bridge.errors import Unauthorised
from bridge.events import Button
from bridge.phrases import Phrase
from bridge.speaking import lacking, phrase, says
from bridge.store import Store
from bridge.store.sessions import (
    TITLE_LENGTH,
    Conversation,
    Session,
    conversation_of,
    end_conversation,
    forget_conversation,
    history,
    name_conversation,
    use_conversation,
)
from bridge.store.turns import Turn
from bridge.text.markdown import literal
from bridge.text.reply import Reply
from bridge.upstream import Agent, ConversationLost

RECENT = 8  # conversations offered by /history


class Conversations:
    """Answers in the user's language. Raises what the database and `Agent` raise."""

    def __init__(
        self, store: Store, *, agents: Mapping[str, Agent], now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._agents = agents
        self._now = now

    async def begin_anew(self, turn: Turn, session: Session, _: str) -> Reply:
        """Let the next question begin a new one; the old one stays in the history."""
        await self._store.write(end_conversation(session.lane, session.agent, self._now()))
        return says(turn, Phrase.NEW)

    async def clear(self, turn: Turn, session: Session, _: str) -> Reply:
        """Stay in it, without what was said before."""
        if session.conversation_id is None:
            return says(turn, Phrase.NOTHING_TO_CLEAR)
        try:
            await self._agent(session).clear(session.conversation_id)
        except Unauthorised as error:
            raise lacking(error) from error
        except ConversationLost:
            # Forgotten more thoroughly than was asked for; the next question begins a new one.
            await self._store.write(forget_conversation(session.conversation_id))
        return says(turn, Phrase.CLEARED)

    async def list(self, turn: Turn, session: Session, wanted: str) -> Reply:
        """Offer those used last, or go back to the one with the id `wanted`."""
        if wanted:
            return await self._switch(turn, session, wanted)
        earlier = await self._store.read(history(session.lane, session.agent, RECENT))
        if not earlier:
            return says(turn, Phrase.NO_HISTORY)
        buttons = tuple(Button(_label(c), f"/history {c.conversation_id}") for c in earlier)
        return Reply.saying(phrase(turn, Phrase.HISTORY), buttons=buttons)

    async def rename(self, turn: Turn, session: Session, name: str) -> Reply:
        """Give the current one a name, at Coze as well."""
        current = await self._current(session)
        title = " ".join(name.split())[:TITLE_LENGTH]
        if current is None:
            return says(turn, Phrase.NO_CONVERSATION)
        if not title:
            return says(turn, Phrase.HOW_TO_RENAME, title=literal(_label(current)))
        try:
            await self._agent(session).rename(current.conversation_id, title)
        except Unauthorised as error:
            raise lacking(error) from error
        except ConversationLost:
            await self._store.write(forget_conversation(current.conversation_id))
            return says(turn, Phrase.NO_CONVERSATION)
        await self._store.write(name_conversation(current.conversation_id, title))
        return says(turn, Phrase.RENAMED, title=literal(title))

    async def delete(self, turn: Turn, session: Session, wanted: str) -> Reply:
        """Ask back, or with its id, delete one of the lane's; at Coze as well."""
        if not wanted:
            return await self._ask_back(turn, session)
        # Only among the lane's own: with one token at Coze, any id would work for anybody.
        found = await self._store.read(conversation_of(session.lane, session.agent, wanted))
        if found is None:
            return says(turn, Phrase.UNKNOWN_CONVERSATION)
        try:
            await self._agent(session).delete(wanted)
        except Unauthorised as error:
            raise lacking(error) from error
        await self._store.write(forget_conversation(wanted))
        return says(turn, Phrase.DELETED, title=literal(_label(found)))

    async def _ask_back(self, turn: Turn, session: Session) -> Reply:
        current = await self._current(session)
        if current is None:
            return says(turn, Phrase.NO_CONVERSATION)
        yes = Button(phrase(turn, Phrase.DELETE_YES), f"/delete {current.conversation_id}")
        asked = phrase(turn, Phrase.DELETE_ASK, title=literal(_label(current)))
        return Reply.saying(asked, buttons=(yes,))

    async def _switch(self, turn: Turn, session: Session, wanted: str) -> Reply:
        found = await self._store.read(conversation_of(session.lane, session.agent, wanted))
        if found is None:
            return says(turn, Phrase.UNKNOWN_CONVERSATION)
        await self._store.write(use_conversation(session.lane, session.agent, wanted, self._now()))
        return says(turn, Phrase.SWITCHED, title=literal(_label(found)))

    async def _current(self, session: Session) -> Conversation | None:
        if session.conversation_id is None:
            return None
        wanted = conversation_of(session.lane, session.agent, session.conversation_id)
        return await self._store.read(wanted)

    def _agent(self, session: Session) -> Agent:
        return self._agents[session.agent].of(session.uid)


def _label(conversation: Conversation) -> str:
    return " ".join(conversation.title.split()) or conversation.conversation_id
