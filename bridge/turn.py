"""One message, from the inbox to the last page of its answer. Read this file first.

    who is it ─> a command, or a question ─> the answer as it grows ─> pages ─> the platform
                    │         ├> may they ask so much
                    │         └> what Coze should know of them
                    └> the files that came with it

Each stage takes a value and hands on a value; none knows the next. What was done is in the
ledger before the next thing is done, so a run that dies is taken up where it was: a question is
never asked twice, and a page that stands is only edited.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from bridge.allowance import Allowance
from bridge.anew import Anew
from bridge.commands import Commands
from bridge.errors import BridgeError, Unreachable
from bridge.events import Page
from bridge.files import Brought, Files
from bridge.flow.latest import latest
from bridge.flow.stop import Stop
from bridge.logs import get
from bridge.outbox import Outbox
from bridge.porter import Porter
from bridge.relay import Relay
from bridge.render import Renderer
from bridge.screen import Screen
from bridge.sessions import Sessions
from bridge.store.ledger import Ledger
from bridge.store.run import Transaction
from bridge.store.sessions import Session
from bridge.store.turns import Ending, Start, Turn, TurnKind, TurnState
from bridge.text.reply import Reply, State
from bridge.variables import Variables

log = get(__name__)


@dataclass(frozen=True)
class Walk:
    """The stages in order. Raises `bridge.errors`; `engine/verdict.py` says what they mean.

    slots: how many answers may be written at once; nobody holds one who only waits.
    turn_timeout: seconds one answer may take in all.
    is_alone: no other process can take over what this one has begun.
    """

    ledger: Ledger
    anew: Anew
    sessions: Sessions
    porter: Porter
    commands: Commands
    allowance: Allowance
    files: Files
    variables: Variables
    relay: Relay
    render: Renderer
    outbox: Outbox
    slots: asyncio.Semaphore
    turn_timeout: float
    is_alone: bool = False

    async def run(self, turn: Turn, stop: Stop) -> Ending:
        """Take a turn from wherever it is to its end, which whoever calls this writes down."""
        turn = await self.anew.of(turn)
        screen = await self.outbox.screen(turn)
        pages = None
        if turn.state is not TurnState.ANSWERED:
            session = await self._session_of(turn)
            reply = await self._answer(turn, session, screen, stop)
            pages = self.render(turn, session, reply, screen.breaks)
            turn = await self._keep(turn, session, reply, pages)
        settled = await screen.settle(pages)
        return Ending(turn, TurnState.FAILED if turn.error else TurnState.DELIVERED, settled)

    async def apologise(self, turn: Turn, error: BridgeError) -> Ending:
        """End a turn that cannot be answered with one short sentence."""
        screen = await self.outbox.screen(turn)
        session = await self._session_of(turn)
        reply = Reply(trace=turn.trace).failed(error)
        pages = self.render(turn, session, reply)
        turn = await self._keep(turn, session, reply, pages)
        return Ending(turn, TurnState.DEAD, await screen.settle(pages))

    async def greet(self, turn: Turn) -> None:
        """Show at once that somebody is there, while the message may still grow."""
        if self.variables.in_use:
            self.variables.tell(turn.event, await self.sessions.resolve(turn.event))
        await self.outbox.show_typing(turn.event.chat)

    def start(self, transaction: Transaction, turn: Turn) -> Start | None:
        """Who asks, for a run that begins with this transaction; in the database's own thread.

        Of a plain question it is noted at once that it leaves, where nothing can come between but
        an end of this process, after which it is looked for before it is asked.
        """
        if not turn.is_visit:
            return None
        session = self.sessions.resolve_in(transaction, turn.event)
        goes_on = turn.is_plain and session.conversation_id is not None
        is_sure = self.is_alone and not self.allowance.limits(session)
        return Start(session, noted=goes_on and is_sure)

    async def _session_of(self, turn: Turn) -> Session:
        if turn.start is not None:
            return turn.start.session
        visits = turn.is_visit
        return await self.sessions.resolve(turn.event, asked_in=turn.asked_in, visits=visits)

    async def _answer(self, turn: Turn, session: Session, screen: Screen, stop: Stop) -> Reply:
        """What to say to this: our own words for a command, else the agent's."""
        said = await self._own_words(turn, session)
        if isinstance(said, Reply):
            return said
        if stop.asked:
            return await self._cut_short(turn, session, Reply(trace=turn.trace))
        if refusal := await self.allowance.admit(turn, session):
            return refusal
        async with screen.alive(), self.slots:
            self.variables.tell(turn.event, session)
            brought = await self._bring(turn, session, said, stop)
            if brought is None:
                return await self._cut_short(turn, session, Reply(trace=turn.trace))
            if brought.asking is None:
                return brought.refusal()
            session = await self.sessions.open(session, title=brought.title)
            await self.variables.told(session)
            reply = await self._converse(turn, session, brought, screen, stop)
        self.variables.learn(session)
        return reply

    async def _bring(self, turn: Turn, session: Session, said: str, stop: Stop) -> Brought | None:
        """The question with its files, at Coze; None if it was stopped before they were there."""
        if not any(event.attachments for event in turn.events):
            return self.files.words(turn, said)
        return await stop.unless(self.files.bring(turn, session, said))

    async def _own_words(self, turn: Turn, session: Session) -> Reply | str:
        """What we answer ourselves; else the question."""
        if turn.kind is not TurnKind.MESSAGE:
            return await self.porter.answer(turn)
        return await self.commands.obey(turn, session)

    async def _converse(
        self, turn: Turn, session: Session, brought: Brought, screen: Screen, stop: Stop
    ) -> Reply:
        """Show the agent's answer while it grows; the stream is fast, the screen slow."""
        reply = brought.beside(Reply(trace=turn.trace))
        try:
            async with latest(
                self.relay.stream(turn, session, replace(brought.question, lull=screen.lull)),
                begins=lambda reply: self.render.shows(turn, session, reply),
                claim=screen.claim,
                urgent=lambda reply: reply.urgent,
                within=self.turn_timeout,
            ) as replies:
                with stop.stops(replies.close):
                    async for answer in replies:
                        reply = brought.beside(answer)
                        await self._take_place(turn, reply, screen)
                        if not reply.ended:
                            pages = partial(self.render, turn, session, reply, screen.breaks)
                            await screen.show(pages, said=len(reply.text))
        except TimeoutError:
            await self.relay.abandon(turn, session, reply)
            return reply.failed(Unreachable("the answer took too long"))
        return reply if reply.ended else await self._cut_short(turn, session, reply)

    async def _take_place(self, turn: Turn, reply: Reply, screen: Screen) -> None:
        """Answer what is asked anew where it was answered before, if that can be changed.

        Not before Coze takes the question: what is refused must not cost the earlier answer.
        """
        if turn.again is not None and reply.trace and screen.may_adopt:
            screen.adopt(await self.anew.place_of(turn))

    async def _cut_short(self, turn: Turn, session: Session, reply: Reply) -> Reply:
        """The user wants to hear no more: tell Coze, and keep what was said."""
        await self.relay.abandon(turn, session, reply)
        return reply.stopped()

    async def _keep(
        self, turn: Turn, session: Session, reply: Reply, pages: Sequence[Page]
    ) -> Turn:
        """Store the answer and its pages; from here on it only has to be delivered."""
        error = str(reply.error) if reply.error else None
        if error:  # the user reads a sentence and the number; the rest is for the operator
            log.warning("answer.failed", turn=turn.id, ref=turn.reference, error=error)
        return await self.ledger.answered(
            turn,
            session,
            pages,
            text=reply.text,
            spent=reply.usage,
            answer_id=reply.answer_id,
            error=error if reply.state is State.FAILED else None,
        )
