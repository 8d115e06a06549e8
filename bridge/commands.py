"""What a user can tell the bridge itself. A command answers like the agent does, by a `Reply`."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from bridge.allowance import Allowance
from bridge.config import AgentSettings
from bridge.conversations import Conversations
from bridge.errors import BridgeError, Permanent, Unauthorised
from bridge.feedback import Feedback
from bridge.forgetting import Forgetting
from bridge.linking import Linking, is_between_us
from bridge.logs import get
from bridge.phrases import Phrase
from bridge.published import Published
from bridge.shortcuts import spelled_out
from bridge.speaking import lacking, phrase, says
from bridge.store import Store
from bridge.store.people import spent_by
from bridge.store.sessions import Session
from bridge.store.turns import Turn
from bridge.text.markdown import literal
from bridge.text.reply import Reply
from bridge.upstream import Agent, Variable
from bridge.words import Word, command_in

log = get(__name__)

DAY, MONTH = timedelta(days=1), timedelta(days=30)


class KnowsVariables(Protocol):
    """What the agent knows of its user, as far as a user may see and change it."""

    async def read(self, session: Session) -> list[Variable]:
        """What Coze knows now."""

    def settable(self, session: Session) -> list[str]:
        """The names that the operator leaves to the users."""

    async def set_own(self, session: Session, keyword: str, value: str) -> None:
        """Set one of those."""

    async def leave(self, session: Session) -> None:
        """Note nothing more of them."""


class Commands:
    """Raises what the database and `Agent` raise.

    interrupt: stops what a lane is answering; tells whether there was anything.
    """

    def __init__(  # noqa: PLR0913 - by name, and each is something that commands are about
        self,
        store: Store,
        *,
        agents: Mapping[str, Agent],
        settings: Mapping[str, AgentSettings],
        variables: KnowsVariables,
        interrupt: Callable[[str], Awaitable[bool]],
        now: Callable[[], datetime],
        published: Published,
        allowance: Allowance,
    ) -> None:
        self._store = store
        self._variables = variables
        self._interrupt = interrupt
        self._now = now
        self._published = published
        self._allowance = allowance
        self._linking = Linking(store, now=now)
        self._forgetting = Forgetting(store, agents=agents, now=now)
        talks = Conversations(store, agents=agents, now=now)
        feedback = Feedback(store, agents=agents, settings=settings)
        self._obey: Mapping[Word, Callable[[Turn, Session, str], Awaitable[Reply]]] = {
            Word.START: self._start,
            Word.HELP: self._help,
            Word.NEW: talks.begin_anew,
            Word.CLEAR: talks.clear,
            Word.STOP: self._stop,
            Word.RETRY: self._nothing_to_retry,
            Word.HISTORY: talks.list,
            Word.RENAME: talks.rename,
            Word.DELETE: talks.delete,
            Word.LINK: self._link,
            Word.UNLINK: self._unlink,
            Word.FORGET: self._forget,
            Word.VARS: self._vars,
            Word.SET: self._set,
            Word.USAGE: self._usage,
            Word.FEEDBACK: feedback.obey,
        }

    async def obey(self, turn: Turn, session: Session) -> Reply | str:
        """Answer a command, or return the question for the agent."""
        if turn.event.edits and turn.again is None:
            return Reply.silence()  # of another question than the newest, or too late
        if not turn.text.strip():
            return _wordless(turn)
        command = command_in(turn.text)
        if command is None:
            return await self._spelled_out(turn.text, session)
        log.info("command", word=command.word, turn=turn.id)
        return await self._obey[command.word](turn, session, command.argument)

    async def _spelled_out(self, text: str, session: Session) -> str:
        """Return the question that a command of the agent's own stands for."""
        if not text.startswith("/"):
            return text
        return spelled_out(text, (await self._published.of(session.agent)).shortcuts)

    async def _start(self, turn: Turn, session: Session, _: str) -> Reply:
        try:
            profile = await self._published.of(session.agent)
        except Unauthorised:
            raise
        except BridgeError as error:
            # A greeting of ours is better than none, and the next question will tell more.
            log.warning("agent.profile", agent=session.agent, error=str(error))
            return says(turn, Phrase.HELLO, comma_name=_comma(turn))
        if not profile.prologue:
            return says(turn, Phrase.HELLO, comma_name=_comma(turn))
        name = turn.event.user.first_name or turn.event.user.name
        return Reply.saying(_addressed(profile.prologue, name), suggestions=profile.questions)

    async def _help(self, turn: Turn, _: Session, __: str) -> Reply:
        return says(turn, Phrase.HELP)

    async def _stop(self, turn: Turn, session: Session, _: str) -> Reply:
        if await self._interrupt(session.lane):
            return Reply.silence()  # the answer says itself that it was stopped
        return says(turn, Phrase.NOTHING_TO_STOP)

    async def _nothing_to_retry(self, turn: Turn, _: Session, __: str) -> Reply:
        """Otherwise the turn would ask that question instead of this (`bridge.anew`)."""
        return says(turn, Phrase.NOTHING_TO_RETRY)

    async def _usage(self, turn: Turn, session: Session, _: str) -> Reply:
        lines = []
        for period, which in ((DAY, Phrase.USAGE_DAY), (MONTH, Phrase.USAGE_MONTH)):
            spent = await self._store.read(spent_by(session.uid, self._now() - period))
            tokens = f"{spent.input_tokens + spent.output_tokens:,}"
            lines.append(phrase(turn, which, answers=f"{spent.answers:,}", tokens=tokens))
        lines += await self._allowance.lines(turn, session)
        return Reply.saying("\n".join(lines))

    async def _vars(self, turn: Turn, session: Session, _: str) -> Reply:
        if not is_between_us(turn.event):
            return says(turn, Phrase.VARIABLES_IN_PRIVATE)
        try:
            there = [each for each in await self._variables.read(session) if each.value]
        except Unauthorised as error:
            raise lacking(error) from error
        own = self._variables.settable(session)
        if not there and not own:
            return says(turn, Phrase.NO_VARIABLES)
        lines = [f"- `{each.keyword}`: {literal(each.value)}" for each in there]
        unset = sorted({*own} - {each.keyword for each in there})
        lines += [f"- `{keyword}`: –" for keyword in unset]
        if own:
            lines += ["", phrase(turn, Phrase.HOW_TO_SET, names=_listed(own))]
        return Reply.saying("\n".join([phrase(turn, Phrase.VARIABLES), "", *lines]))

    async def _set(self, turn: Turn, session: Session, argument: str) -> Reply:
        own = self._variables.settable(session)
        keyword, _, value = argument.partition(" ")
        if not own:
            return says(turn, Phrase.NOTHING_TO_SET)
        if keyword not in own or not value.strip():
            return says(turn, Phrase.HOW_TO_SET, names=_listed(own))
        try:
            await self._variables.set_own(session, keyword, value.strip())
        except Unauthorised as error:
            raise lacking(error) from error
        except Permanent as error:
            log.warning("variable.refused", agent=session.agent, keyword=keyword, error=str(error))
            return says(turn, Phrase.NOT_SET, name=keyword)
        return says(turn, Phrase.SET, name=keyword)

    async def _link(self, turn: Turn, session: Session, code: str) -> Reply:
        said = Reply.saying(await self._linking.link(turn.event, session.own_uid, code))
        # What to send with a code is for another platform, which may spell commands otherwise.
        return replace(said, is_ours=bool(code))

    async def _unlink(self, turn: Turn, session: Session, _: str) -> Reply:
        return Reply.saying(await self._linking.unlink(turn.event, session.own_uid))

    async def _forget(self, turn: Turn, session: Session, said: str) -> Reply:
        await self._variables.leave(session)  # what came after would bring back what goes now
        return await self._forgetting.obey(turn.event, session, turn.id, said)


def _addressed(prologue: str, name: str) -> str:
    """Fill in `{{user_name}}`, which Coze leaves to us; without a name its comma goes as well."""
    if name:
        return prologue.replace("{{user_name}}", name)
    return re.sub(r"[\s,，、]*\{\{user_name\}\}", "", prologue)


def _listed(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _comma(turn: Turn) -> str:
    name = turn.event.user.first_name or turn.event.user.name
    if not name:
        return ""
    return f"，{name}" if turn.event.user.language.lower().startswith("zh") else f", {name}"


def _wordless(turn: Turn) -> Reply | str:
    """A file is a question by itself, to which `Files` finds words; so is a position."""
    if any(event.attachments for event in turn.events):
        return ""
    if any(event.place for event in turn.events):
        return phrase(turn, Phrase.PLACE_ALONE)
    return says(turn, Phrase.ONLY_TEXT)
