"""`/feedback`: what somebody thinks of an answer goes to Coze, also changed and taken back.

Buttons and reactions say it as well; see `Inbound.about`.
"""

from collections.abc import Mapping

from bridge.config import AgentSettings
from bridge.errors import Permanent, Unauthorised
from bridge.logs import get
from bridge.phrases import Phrase
from bridge.speaking import says
from bridge.store import Store
from bridge.store.ratings import Answered, answer_of, rate
from bridge.store.sessions import Session
from bridge.store.turns import Turn
from bridge.text.reply import Reply
from bridge.upstream import Agent, Rating

log = get(__name__)

_MEANT: Mapping[str, Rating | None] = {
    "like": Rating.LIKE,
    "good": Rating.LIKE,
    "👍": Rating.LIKE,
    "dislike": Rating.DISLIKE,
    "bad": Rating.DISLIKE,
    "👎": Rating.DISLIKE,
    "none": None,
}
_THANKS: Mapping[Rating | None, Phrase] = {
    Rating.LIKE: Phrase.LIKED,
    Rating.DISLIKE: Phrase.DISLIKED,
    None: Phrase.RATING_GONE,
}


class Feedback:
    """Raises `Transient`, database errors."""

    def __init__(
        self,
        store: Store,
        *,
        agents: Mapping[str, Agent],
        settings: Mapping[str, AgentSettings],
    ) -> None:
        self._store = store
        self._agents = agents
        self._settings = settings

    async def obey(self, turn: Turn, session: Session, said: str) -> Reply:
        """Rate the answer that is meant, else the newest one. said: a word, then a reason."""
        word, _, reason = said.partition(" ")
        if not self._settings[session.agent].feedback:
            return _answer(turn, Phrase.NO_FEEDBACK)
        if word.lower() not in _MEANT:
            return _answer(turn, Phrase.HOW_TO_RATE)
        found = await self._store.read(answer_of(session.lane, turn.event.about))
        if found is None:
            return _answer(turn, Phrase.NOTHING_TO_RATE)
        return await self._rate(turn, session, found, _MEANT[word.lower()], reason.strip())

    async def _rate(
        self, turn: Turn, session: Session, found: Answered, meant: Rating | None, reason: str
    ) -> Reply:
        agent = self._agents[session.agent].of(session.uid)
        try:
            await agent.rate(found.conversation_id, found.answer_id, meant, reason)
        except (Permanent, Unauthorised) as error:
            log.warning("answer.not_rated", turn=found.turn, error=str(error))
            return _answer(turn, Phrase.NOT_RATED)
        await self._store.write(rate(found.turn, meant))
        log.info("answer.rated", turn=found.turn, rating=meant)
        return _answer(turn, _THANKS[meant])


def _answer(turn: Turn, phrase: Phrase) -> Reply:
    """A sentence for whoever typed; a button or a reaction shows by itself what it did."""
    if turn.event.pressed:
        return Reply.silence()
    return says(turn, phrase)
