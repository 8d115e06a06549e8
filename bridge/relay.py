"""From a question to an answer: the agent's events folded into `Reply` snapshots.

Coze is asked once. What was asked before, by this run or by one that died, is looked for and
waited for instead; see the table in docs/architecture.md. Where an agent needs our tools, they
are run and it goes on with what they say, in the same answer.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta

from bridge import tracing
from bridge.config import AgentSettings
from bridge.errors import (
    BridgeError,
    Occupied,
    Permanent,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.facts import facts
from bridge.logs import get
from bridge.metrics import COZE_DELAYS, COZE_ERRORS, COZE_STREAMS, TOKENS
from bridge.spans import Span
from bridge.store import Store
from bridge.store.ledger import Ledger
from bridge.store.sessions import Session, forget_conversation
from bridge.store.turns import Turn, TurnState
from bridge.text.reply import Reply, State, fold
from bridge.tools.acting import Acting, interruption
from bridge.upstream import (
    Agent,
    Asking,
    ConversationLost,
    Lull,
    Needs,
    Outcome,
    Over,
    Question,
    Started,
    ToolOutput,
    Trace,
)

log = get(__name__)

POLL = 1.0  # seconds between two looks at an answer; Coze allows one a second
MOST_STEPS = 20  # times that an agent may call our tools in one answer
PATIENCE = 5.0  # seconds for a cancel to be heard: the user has turned away already


class Relay:
    """Raises `Transient` (again later), `Unauthorised`; everything else ends in the `Reply`.

    turn_timeout: seconds one answer may take in all.
    """

    def __init__(  # noqa: PLR0913 - by name, and each is something that an answer needs
        self,
        store: Store,
        ledger: Ledger,
        *,
        acting: Acting,
        agents: Mapping[str, Agent],
        settings: Mapping[str, AgentSettings],
        turn_timeout: float,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._ledger = ledger
        self._acting = acting
        self._agents = agents
        self._settings = settings
        self._turn_timeout = turn_timeout
        self._now = now

    async def stream(
        self, turn: Turn, session: Session, asking: Asking
    ) -> AsyncGenerator[Reply, None]:
        """Yield the answer as it grows; the last snapshot has ended."""
        reply = Reply(trace=turn.trace)
        try:
            with tracing.span("answer", agent=session.agent, asked=turn.trace is not None) as span:
                async with aclosing(self._steps(turn, session, asking)) as replies:
                    async for now in replies:
                        _trace(span, reply, now)
                        reply = now
                        _count(session, reply)
                        yield reply
        except (Transient, Unauthorised) as error:
            _count_delay(error)
            raise
        except Permanent as error:
            COZE_ERRORS.labels(str(error.code)).inc()
            yield reply.failed(error)

    async def abandon(self, turn: Turn, session: Session, reply: Reply) -> None:
        """Tell Coze that nobody waits for the rest of an answer."""
        agent = self._agent(session)
        try:
            async with asyncio.timeout(PATIENCE):
                trace = reply.trace or await self._trace_of(turn, session)
                if trace is None and session.conversation_id:
                    trace = await agent.find(session.conversation_id, turn.mark)
                if trace and trace.chat_id:
                    await agent.cancel(trace)
        except (BridgeError, TimeoutError) as error:
            # It goes on until it ends by itself; the next question waits for it (4016).
            log.warning("answer.not_cancelled", turn=turn.id, error=str(error))

    def _agent(self, session: Session) -> Agent:
        return self._agents[session.agent].of(session.uid)

    async def _trace_of(self, turn: Turn, session: Session) -> Trace | None:
        """Where this turn was asked before; None if it certainly was not."""
        if turn.trace is None or turn.state is not TurnState.ASKING:
            return turn.trace
        found = await self._find(self._agent(session), turn.trace.conversation_id, turn)
        log.info("question.looked_for", turn=turn.id, found=found is not None)
        return found

    async def _find(self, agent: Agent, conversation_id: str, turn: Turn) -> Trace | None:
        try:
            return await agent.find(conversation_id, turn.mark)
        except ConversationLost:
            return None  # and with it whatever was asked there: nobody will ever read that answer

    async def _steps(
        self, turn: Turn, session: Session, asking: Asking
    ) -> AsyncGenerator[Reply, None]:
        """The answer, which goes on each time our tools have done what it waits for."""
        trace = await self._trace_of(turn, session)
        reply = Reply(trace=trace)
        going = (
            self._ask(turn, session, asking)
            if trace is None
            else self._recover(turn, session, reply)
        )
        for _ in range(MOST_STEPS + 1):
            before = reply.calls
            async with aclosing(going) as replies:
                async for reply in replies:
                    yield reply
            if reply.state is not State.ACTING:
                return
            yield reply.acting()
            if reply.calls == before:  # what was handed in did not arrive
                await asyncio.sleep(POLL)
            turn = await self._current(turn)
            going = self._act(turn, session, reply, asking.lull)
        await self.abandon(turn, session, reply)
        yield reply.failed(Permanent(f"the agent called tools more than {MOST_STEPS} times"))

    async def _current(self, turn: Turn) -> Turn:
        """The turn as far as it has come while it was asked."""
        now = await self._ledger.current(turn)
        return replace(turn, state=now.state, trace=now.trace, asked_at=now.asked_at)

    async def _act(
        self, turn: Turn, session: Session, reply: Reply, lull: Lull | None
    ) -> AsyncGenerator[Reply, None]:
        """Do what the agent waits for, and let it go on."""
        acted = await self._acting.act(turn, session, reply.calls)
        log.info("tools.ran", turn=turn.id, tools=[call.name for call in reply.calls])
        reply = reply.acted(acted.buttons)
        assert reply.trace is not None  # noqa: S101  it began with one
        heard = False
        try:
            going_on = self._agent(session).submit(reply.trace, acted.outputs, lull)
            async with going_on as events:
                with COZE_STREAMS.track_inprogress():
                    async for event in events:
                        heard = True
                        reply = fold(reply, event)
                        yield reply
            return
        except Transient as error:
            if not (heard or error.happened):
                raise
            _count_delay(error)
            log.warning("answer.cut", turn=turn.id, error=str(error))
        async for recovered in self._recover(turn, session, reply):
            yield recovered

    async def _ask(
        self, turn: Turn, session: Session, asking: Asking
    ) -> AsyncGenerator[Reply, None]:
        assert session.conversation_id is not None  # noqa: S101  Sessions.open saw to it
        agent = self._agent(session)
        turn = await self._ledger.asking(turn, session)
        reply = Reply()
        try:
            async with agent.ask(self._question(turn, session, asking)) as events:
                with COZE_STREAMS.track_inprogress():
                    async for event in events:
                        if isinstance(event, Started):
                            trace = Trace(event.conversation_id, event.chat_id)
                            turn = await self._ledger.asked(turn, trace)
                            log.info("question.asked", turn=turn.id, chat=event.chat_id)
                        reply = fold(reply, event)
                        yield reply
        except ConversationLost as error:
            await self._store.write(forget_conversation(session.conversation_id))
            if session.fresh:
                raise
            raise Transient("conversation is gone", retry_after=0, code=error.code) from error
        except Transient as error:
            if reply.trace is None:
                await self._make_room(turn, session, error)
                raise
            _count_delay(error)
            log.warning("answer.cut", turn=turn.id, error=str(error))
            async for recovered in self._recover(turn, session, reply):
                yield recovered

    def _question(self, turn: Turn, session: Session, asking: Asking) -> Question:
        settings = self._settings[session.agent]
        return Question(
            session.uid,
            session.conversation_id or "",
            asking.text,
            turn.mark,
            parts=asking.parts,
            place=asking.place,
            lull=asking.lull,
            custom_variables=facts(turn.event, settings.custom_variables),
            parameters=facts(turn.event, settings.parameters),
        )

    async def _make_room(self, turn: Turn, session: Session, error: Transient) -> None:
        """A chat of an earlier turn that nobody waits for may occupy the conversation."""
        if not isinstance(error, Occupied) or session.conversation_id is None:
            return
        stale = await self._ledger.earlier_trace(turn, session.conversation_id)
        if stale is not None:
            log.info("answer.stale", turn=turn.id, chat=stale.chat_id)
            await self._release(session, stale)
            await self._agent(session).cancel(stale)

    async def _release(self, session: Session, stale: Trace) -> None:
        """Let a chat go on that waits for tools: as long as it does, it cannot be cancelled.

        Nowhere is it written whether such a chat occupies its conversation.
        """
        agent = self._agent(session)
        try:
            needed = _needed(await agent.outcome(stale))
            if needed:
                outputs = [ToolOutput(call, interruption("the tool")) for call in sorted(needed)]
                async with agent.submit(stale, outputs):
                    pass
        except Unauthorised:
            raise
        except BridgeError as error:
            log.warning("answer.not_released", chat=stale.chat_id, error=str(error))

    async def _recover(
        self, turn: Turn, session: Session, so_far: Reply
    ) -> AsyncGenerator[Reply, None]:
        """Wait for an answer that was asked before, without asking again."""
        assert so_far.trace is not None  # noqa: S101  that is what "asked before" means
        if turn.state is TurnState.ASKING:
            turn = await self._ledger.asked(turn, so_far.trace)
        try:
            outcome = await self._outcome(turn, session, so_far.trace)
        except Unauthorised:
            raise
        except Permanent as error:
            COZE_ERRORS.labels(str(error.code)).inc()
            yield so_far.failed(error)  # what was heard stays valid
            return
        if outcome is None:
            await self.abandon(turn, session, so_far)
            yield so_far.failed(Unreachable("the answer took too long"))
            return
        # Told whole and anew: its message ids need not be those of the stream.
        reply = Reply(trace=so_far.trace, buttons=await self._acting.offers(turn))
        for event in outcome.events:
            reply = fold(reply, event)
        if reply.error and not reply.text:
            # Coze keeps no half of a message; what was read already stays where it is.
            reply = so_far.failed(reply.error)
        log.info("answer.recovered", turn=turn.id, state=reply.state)
        yield reply

    async def _outcome(self, turn: Turn, session: Session, trace: Trace) -> Over | None:
        agent = self._agent(session)
        deadline = (turn.asked_at or self._now()) + timedelta(seconds=self._turn_timeout)
        while not isinstance(outcome := await agent.outcome(trace), Over):
            if self._now() > deadline:
                return None
            await asyncio.sleep(POLL)
        return outcome


def _needed(outcome: Outcome) -> set[str]:
    """The calls that a chat waits for."""
    last = outcome.events[-1] if isinstance(outcome, Over) and outcome.events else None
    return {call.id for call in last.calls} if isinstance(last, Needs) else set()


def _trace(span: Span, before: Reply, now: Reply) -> None:
    """Tell when Coze accepted the question, said its first word, and ended."""
    if now.trace and now.trace.chat_id and now.trace != before.trace:
        span.event("asked")
        span.note(chat=now.trace.chat_id)
    if not before.text and now.text:
        span.event("first delta")
    if now.ended:
        span.event("end")
        span.note(state=now.state)
    if now.error:
        span.failed(type(now.error).__name__)


def _count_delay(error: BridgeError) -> None:
    COZE_DELAYS.labels(type(error).__name__, "" if error.code is None else str(error.code)).inc()


def _count(session: Session, reply: Reply) -> None:
    if reply.ended and reply.usage:
        TOKENS.labels(session.agent, "input").inc(reply.usage.input_tokens)
        TOKENS.labels(session.agent, "output").inc(reply.usage.output_tokens)
