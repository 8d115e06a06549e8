"""`coze-bridge vars`: what agents know of their users, read and told. Written down by `sheets`."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from bridge.config import Settings
from bridge.coze import agent, open_client
from bridge.coze.examine import Examiner, Sight, open_examiner
from bridge.errors import BridgeError, Misconfigured, Permanent
from bridge.events import Inbound
from bridge.facts import USER_SET
from bridge.operator import sights
from bridge.operator.persons import Person, everyone, find
from bridge.platform import Finding
from bridge.store import Store
from bridge.store.operator_log import COMMAND_LINE
from bridge.store.overview import newest_of
from bridge.store.people import everybody
from bridge.store.sessions import Session
from bridge.store.variables import Known, Refusal, forgive, known, refusals, untold
from bridge.upstream import Agent, Variable
from bridge.variables import Variables
from bridge.view.variables import Whose, deed, settle

AT_ONCE = 8  # people who are told at the same time


@dataclass(frozen=True, slots=True)
class Row:
    """One variable of one person.

    value: at Coze; None where the agent has no such variable for them. source: as configured.
    noted: what the bridge has noted of it. refused: why Coze does not take it.
    """

    keyword: str
    value: str | None
    set_at: datetime | None
    source: str
    noted: Known | None
    refused: str


@dataclass(frozen=True, slots=True)
class Listed:
    """What one agent knows of one person."""

    person: Person
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class Told:
    """What came of telling an agent about one person. trouble: why it was told nothing."""

    person: Person
    told: Mapping[str, str] = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Synced:
    """findings: of the agents. people: of whom something was told, or should have been."""

    findings: Sequence[Finding]
    people: Sequence[Told]

    @property
    def is_well(self) -> bool:
        wrong = any(finding.verdict == "wrong" for finding in self.findings)
        return not wrong and not any(each.trouble for each in self.people)


@asynccontextmanager
async def open_desk(
    settings: Settings, store: Store, now: Callable[[], datetime]
) -> AsyncIterator["Desk"]:
    """Open what speaks to Coze. Raises `Misconfigured`."""
    async with open_client(settings.coze) as client, open_examiner(settings.coze) as examiner:
        agents = {name: agent(client, its) for name, its in settings.agents.items()}
        told_by = Variables(store, agents=agents, settings=settings.agents, now=now)
        try:
            yield Desk(store, settings, agents, examiner, told_by, now)
        finally:
            await told_by.close()


@dataclass(frozen=True)
class Desk:
    """Everything that is needed to speak to Coze for people. Raises `bridge.errors`."""

    store: Store
    settings: Settings
    agents: Mapping[str, Agent]
    examiner: Examiner
    variables: Variables
    now: Callable[[], datetime]

    async def get(self, who: str, agent: str) -> list[Listed]:
        """Read what is at Coze, beside what the bridge has noted."""
        return [await self._listed(each) for each in await self._find(who, agent)]

    async def put(self, who: str, agent: str, keyword: str, value: str) -> Person:
        """Set one variable, and see that it stays. Raises `Permanent` where it does not."""
        person, *others = await self._find(who, agent)
        if others:
            names = ", ".join(each.agent for each in (person, *others))
            raise Misconfigured([f"--agent: say which one: {names}"])
        its = self.agents[person.agent].of(person.uid)
        try:
            await its.set_variables(person.uid, {keyword: value})
        except Permanent as error:
            raise await self._explained(person, keyword, error) from error
        sources = self.settings.agents[person.agent].variables
        whose = Whose(person.uid, person.agent, sources)
        its_deed = deed(whose, keyword, COMMAND_LINE, self.now())
        await settle(self.store, its, whose, keyword, value, its_deed)
        return person

    async def sync(self, who: str, agent: str, *, again: bool) -> Synced:
        """Tell what is news, of one person or of all.

        again: also what Coze has refused, and what it took already.
        """
        persons = await self._meant(who, agent)
        chosen = {each.agent for each in persons} or ({agent} if agent else {*self.agents})
        chosen = {name for name in chosen if self.settings.agents[name].variables}
        if again:
            await self._begin_anew(persons, chosen)
        looked = [await self._look(name) for name in sorted(chosen)]
        well = {name for name, ok, _ in looked if ok}
        done = await self._tell_all([each for each in persons if each.agent in well])
        findings = [finding for name, _, found in looked for finding in found]
        findings += await self._newly_refused(well, {f.text.partition(": ")[0] for f in findings})
        return Synced(sights.once(findings), done)

    # One person

    async def _find(self, who: str, agent: str) -> list[Person]:
        return await find(self.store, self.settings, who, agent)

    async def _listed(self, person: Person) -> Listed:
        values = await self.agents[person.agent].of(person.uid).variables(person.uid)
        noted = await self.store.read(known(person.uid, person.agent))
        refused = await self.store.read(refusals(person.agent))
        sources = self.settings.agents[person.agent].variables
        return Listed(person, list(_rows(values, noted, refused, sources)))

    async def _explained(self, person: Person, keyword: str, error: Permanent) -> BridgeError:
        """Coze does not say why it refuses a variable; its list of them may."""
        its = self.settings.agents[person.agent]
        with_it = its.model_copy(update={"variables": {keyword: USER_SET}})
        try:
            sight = await self.examiner.see(with_it)
        except BridgeError as unseen:
            return Permanent(sights.of_error(person.agent, its, unseen, self.settings.coze).text)
        found = sights.of_agent(person.agent, with_it, sight, {})
        wrong = [each.text for each in found if each.verdict == "wrong"]
        return Permanent(wrong[0]) if wrong else error

    # Many

    async def _meant(self, who: str, agent: str) -> list[Person]:
        if who:
            return await self._find(who, agent)
        accounts = list(self.settings.adapters)
        return everyone(await self.store.read(everybody(accounts)), self.settings, agent)

    async def _begin_anew(self, persons: Sequence[Person], agents: set[str]) -> None:
        for name in agents:
            await self.store.write(forgive(name, ""))
        for each in persons:
            await self.store.write(untold(each.uid, each.agent))

    async def _look(self, name: str) -> tuple[str, bool, list[Finding]]:
        """Tell whether the agent can be told anything, and what there is to say of it."""
        its = self.settings.agents[name]
        try:
            sight: Sight = await self.examiner.see(its)
        except BridgeError as error:
            return name, False, [sights.of_error(name, its, error, self.settings.coze)]
        refused = await self.store.read(refusals(name))
        return name, True, list(sights.of_agent(name, its, sight, refused))

    async def _newly_refused(self, agents: set[str], known_of: set[str]) -> list[Finding]:
        """What turned out only by trying."""
        found: list[Finding] = []
        for name in sorted(agents):
            refused = await self.store.read(refusals(name))
            its = self.settings.agents[name]
            lines = sights.of_agent(name, its, Sight(), refused)
            found += [each for each in lines if each.verdict == "wrong"]
        return [each for each in found if each.text.partition(": ")[0] not in known_of]

    async def _tell_all(self, persons: Sequence[Person]) -> list[Told]:
        keys = {each.key for person in persons for each in person.known}
        events = await self.store.read(newest_of(keys)) if keys else {}
        slots = asyncio.Semaphore(AT_ONCE)
        newest = [(person, _newest(person, events)) for person in persons]
        telling = [self._tell(person, said, slots) for person, said in newest if said]
        return [each for each in await asyncio.gather(*telling) if each.told or each.trouble]

    async def _tell(self, person: Person, said: Inbound, slots: asyncio.Semaphore) -> Told:
        read = partial(self.store.read, known(person.uid, person.agent))
        async with slots:
            before = await read()
            try:
                session = Session(lane="", agent=person.agent, uid=person.uid)
                await self.variables.sync(said, session)
            except BridgeError as error:
                return Told(person, trouble=str(error))
            after = await read()
        return Told(
            person, {k: v for k, v in _synced(after).items() if _synced(before).get(k) != v}
        )


def _rows(
    values: Sequence[Variable],
    noted: Mapping[str, Known],
    refused: Mapping[str, Refusal],
    sources: Mapping[str, str],
) -> Iterator[Row]:
    at_coze = {each.keyword: each for each in values}
    for keyword in dict.fromkeys([*at_coze, *sources]):
        its = at_coze.get(keyword)
        yield Row(
            keyword=keyword,
            value=its.value if its else None,
            set_at=its.set_at if its else None,
            source=sources.get(keyword, ""),
            noted=noted.get(keyword),
            refused=refused[keyword].reason if keyword in refused else "",
        )


def _newest(person: Person, events: Mapping[tuple[str, str, str], Inbound]) -> Inbound | None:
    said = [events[each.key] for each in person.known if each.key in events]
    return max(said, key=lambda event: event.sent_at, default=None)


def _synced(rows: Mapping[str, Known]) -> dict[str, str]:
    return {keyword: row.synced for keyword, row in rows.items() if row.synced is not None}
