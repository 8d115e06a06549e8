"""`/forget`: whoever asks is asked back, and then nothing of them is left.

What is stored here goes at once, as far as it is not just being answered. What lies at Coze goes
as soon as Coze answers, and is tried again until it does. Both are in the database, so a crash
delays them and no more; `work` goes on with what is left.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import assert_never

from bridge.errors import BridgeError, Permanent, Transient, Unauthorised, Unreachable
from bridge.events import Button, ChatKind, Inbound
from bridge.logs import get
from bridge.phrases import Phrase, say
from bridge.store import Store
from bridge.store.farewells import Farewell, Kind, done, due, is_set_anew
from bridge.store.forget import Somebody, begin, finish, sweep, under_way
from bridge.store.sessions import Session
from bridge.text.reply import Reply
from bridge.upstream import Agent

log = get(__name__)

YES = frozenset({"yes", "是", "确认", "好"})
NO = frozenset({"no", "cancel", "不", "否", "不是", "不要", "取消"})
AT_ONCE = 50  # windows of messages looked through before the answer; the rest comes after it
PATIENCE = 5.0  # seconds for Coze, before the answer
REST = 0.02  # seconds between two windows, for whoever else wants to write
AT_A_TIME = 20  # calls to Coze that are taken on before the next are looked for
ROUND = 20.0  # seconds of one round of `work` for Coze
GIVE_UP = timedelta(days=30)


class Forgetting:
    """Stateless: any process goes on with what another began. Raises `Unreachable` (database)."""

    def __init__(
        self,
        store: Store,
        *,
        agents: Mapping[str, Agent],
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._agents = agents
        self._now = now
        self._sleep = sleep

    async def obey(self, event: Inbound, session: Session, message: int, said: str) -> Reply:
        """Ask back, or with a yes, forget. message: the id of the one that asks for it."""
        language = event.user.language
        if event.chat.kind is not ChatKind.PRIVATE:
            # A button would be there for others to press, and the lane may be everybody's.
            return Reply.saying(say(Phrase.FORGET_IN_PRIVATE, language))
        answer = said.strip(" .!。！").lower()
        if answer in NO:
            return Reply.saying(say(Phrase.NOT_FORGOTTEN, language))
        if answer not in YES:
            yes = Button(say(Phrase.FORGET_YES, language), "/forget yes")
            no = Button(say(Phrase.FORGET_NO, language), "/forget no")
            return Reply.saying(say(Phrase.FORGET_ASK, language), buttons=(yes, no))
        who = Somebody(event.chat.platform, event.chat.account, event.user.id, session.own_uid)
        await self._forget(who, session.uid, message)
        return Reply.saying(say(Phrase.FORGOTTEN, language))

    async def work(self) -> None:
        """Go on with what was begun. Raises nothing that may pass."""
        try:
            for progress in await self._store.read(under_way()):
                if not progress.is_swept:
                    await self._sweep(progress.who)
                await self._store.write(finish(progress.who, self._now()))
            await self._say_farewells(ROUND)
        except Transient as error:
            log.warning("forgetting.delayed", error=str(error))

    async def _forget(self, who: Somebody, person: str, message: int) -> None:
        await self._store.write(begin(who, person, message, self._now()))
        log.info("forgetting", uid=who.uid, message=message)
        for progress in await self._store.read(under_way()):
            if progress.until == message:
                await self._sweep(progress.who, most=AT_ONCE)
        await self._say_farewells(PATIENCE)

    async def _sweep(self, who: Somebody, most: int | None = None) -> None:
        """Go through what was said. A piece at a time: others write as well."""
        windows = 1
        while await self._store.write(sweep(who, self._now())) and windows != most:
            windows += 1
            await self._sleep(REST)

    async def _say_farewells(self, seconds: float) -> None:
        """Let Coze delete what is due, for so long; what is cut off is done again."""
        try:
            async with asyncio.timeout(seconds):
                while taken := await self._store.write(due(self._now(), AT_A_TIME)):
                    for each in taken:
                        await self._say_farewell(each)
        except TimeoutError:
            log.info("farewells.later")

    async def _say_farewell(self, farewell: Farewell) -> None:
        try:
            await self._delete(farewell)
        except (Transient, Unauthorised) as error:
            if self._now() - farewell.since < GIVE_UP:
                log.warning("farewell.delayed", **_named(farewell), error=str(error))
                return
            self._lost(farewell, error)
        except Permanent as error:
            self._lost(farewell, error)
        await self._store.write(done(farewell))

    async def _delete(self, farewell: Farewell) -> None:
        agent = self._agents.get(farewell.agent)
        if agent is None:
            raise Unreachable(f"there is no [agents.{farewell.agent}] any more")
        match farewell.kind:
            case Kind.CONVERSATION:
                await agent.of(farewell.uid).delete(farewell.name)
            case Kind.VARIABLE:
                if not await self._store.read(is_set_anew(farewell)):
                    nothing = {farewell.name: ""}
                    await agent.of(farewell.uid).set_variables(farewell.uid, nothing)
            case _:
                assert_never(farewell.kind)

    def _lost(self, farewell: Farewell, error: BridgeError) -> None:
        remedy = "delete it at Coze by hand; it is not tried again"
        log.error("farewell.refused", **_named(farewell), error=str(error), remedy=remedy)


def _named(farewell: Farewell) -> dict[str, str]:
    return {"agent": farewell.agent, "kind": farewell.kind, "name": farewell.name}
