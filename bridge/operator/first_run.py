"""The questions of `coze-bridge init`: each is asked until its answer works.

Nothing here writes; what was answered is in the `Draft`.
"""

import re
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from adapters.registry import interview, names, settings_model
from bridge.config import AgentSettings, CozeSettings
from bridge.config.sources import Problems, parse
from bridge.errors import Misconfigured
from bridge.operator import attempts
from bridge.operator.asking import Asker, Given, missing
from bridge.operator.draft import Draft
from bridge.platform import Finding, Interview, Question

Attempted = Sequence[Finding]
Run = Callable[[Coroutine[Any, Any, Attempted]], Attempted]


@dataclass(frozen=True, slots=True)
class Step:
    """Questions that are tried together.

    table: where their keys are. reads: what to make of an answer, by key.
    """

    table: str
    model: type[BaseModel]
    questions: Sequence[Question]
    attempt: Callable[[], Coroutine[Any, Any, Attempted]]
    reads: Mapping[str, Callable[[str], str]] = field(default_factory=dict)


@dataclass
class FirstRun:
    """One conversation.

    run: waits for an attempt. tries: False where nothing may use the network.
    """

    draft: Draft
    asker: Asker
    run: Run
    tries: bool = True
    _told: set[str] = field(default_factory=set)

    def hold(self, wanted: Sequence[str]) -> list[str]:
        """Ask for everything. Returns what is left to do elsewhere, a line each.

        wanted: platforms; empty where that is to be asked. Raises `Misconfigured`, and what
        the asker raises.
        """
        offers = self._offers()
        if unknown := [name for name in wanted if name not in offers]:
            raise Misconfigured([f"--on: {unknown[0]} is none of {', '.join(offers)}"])
        if isinstance(self.asker, Given):
            wanted = list(wanted) or self._there(offers)
            self._require_all(offers, wanted)
        self.asker.say("\nCoze")
        self._take(Step("coze", CozeSettings, self._of_coze(), self._try_coze, _READS))
        agent = self._agent()
        self._take(self._of_agent(agent))
        chosen = list(wanted) or self._chosen(offers)
        for name in chosen:
            self._account(name, offers[name], agent)
        return [f"{offers[name].offer}: {offers[name].begin}" for name in chosen]

    def _require_all(self, offers: Mapping[str, Interview], wanted: Sequence[str]) -> None:
        """Raises `Misconfigured` with everything that a script has left out."""
        of_agent = self._of_agent(self._agent())
        tables = [("coze", self._of_coze()), (of_agent.table, of_agent.questions)]
        tables += [(self._table(name), offers[name].questions) for name in wanted]
        problems = [
            missing(f"{table}.{question.key}", question.asks)
            for table, questions in tables
            for question in questions
            if not self.draft.has(f"{table}.{question.key}")
        ]
        if not wanted:
            problems.append(f"--on: missing; give one or more of {', '.join(offers)}")
        if problems:
            raise Misconfigured(problems)

    # Coze

    def _of_coze(self) -> Sequence[Question]:
        has_service = bool(self.draft.names("coze"))  # [coze.oauth], in the place of a token
        return _COZE[:1] if has_service else _COZE

    def _agent(self) -> str:
        """The one that is asked for: there may be several already."""
        agents = self.draft.names("agents")
        return agents[0] if agents and "default" not in agents else "default"

    def _of_agent(self, name: str) -> Step:
        table = f"agents.{name}"

        async def attempt() -> Attempted:
            its = _parsed(AgentSettings, self.draft, table)
            return await attempts.agent(_parsed(CozeSettings, self.draft, "coze"), name, its)

        questions = () if self.draft.has(f"{table}.workflow_id") else _AGENT
        return Step(table, AgentSettings, questions, attempt, _READS)

    async def _try_coze(self) -> Attempted:
        return await attempts.token(_parsed(CozeSettings, self.draft, "coze"))

    # Platforms

    def _offers(self) -> dict[str, Interview]:
        found = {}
        for name in names():
            try:
                its = interview(name)
            except KeyError as error:  # one package that is broken leaves the others as they are
                self.asker.tell(f"{name}: {error.args[0]}")
                continue
            if its is not None:
                found[name] = its
        return found

    def _chosen(self, offers: Mapping[str, Interview]) -> list[str]:
        there = self._there(offers)
        self.asker.say("\nWhere shall the agent answer?")
        while True:
            chosen = [
                name
                for name, its in offers.items()
                if self.asker.agrees(its.offer, default=name in there)
            ]
            if chosen:
                return chosen
            self.asker.tell("One at least, or nobody can reach it.")

    def _there(self, offers: Mapping[str, Interview]) -> list[str]:
        """The platforms of which there is an account already."""
        accounts = {self._platform(account) for account in self.draft.names("adapters")}
        return [name for name in offers if name in accounts]

    def _platform(self, account: str) -> str:
        return self.draft.get(f"adapters.{account}.platform") or account

    def _table(self, platform: str) -> str:
        """The account that is asked for: one that is there, or one of the platform's name."""
        there = (name for name in self.draft.names("adapters") if self._platform(name) == platform)
        return f"adapters.{next(there, platform)}"

    def _account(self, platform: str, its: Interview, agent: str) -> None:
        table = self._table(platform)
        self.asker.say(f"\n{its.offer[:1].upper()}{its.offer[1:]}")
        fixed = its.fixed if agent == "default" else {**its.fixed, "agent": agent}
        for key, value in fixed.items():
            if not self.draft.has(f"{table}.{key}"):
                self.draft.put(f"{table}.{key}", value)
        model = settings_model(platform)
        for question in its.questions:
            attempt = self._attempt(its, table, model, question.key)
            self._take(Step(table, model, (question,), attempt))

    def _attempt(
        self, its: Interview, table: str, model: type[BaseModel], key: str
    ) -> Callable[[], Coroutine[Any, Any, Attempted]]:
        async def attempt() -> Attempted:
            if its.attempt is None:
                return []
            settings = _parsed(model, self.draft, table)
            return await its.attempt(table.partition(".")[2], settings, key)

        return attempt

    # Asking

    def _take(self, step: Step) -> None:
        """Ask, try, and ask again until it works, or whoever answers is content."""
        for question in step.questions:
            for line in question.steps:
                self.asker.say(f"  {line}")
        while True:
            for question in step.questions:
                self._answer(step, question)
            if not self.tries or self._is_good(step, self._attempted(step)):
                return

    def _answer(self, step: Step, question: Question) -> None:
        key = f"{step.table}.{question.key}"
        read = step.reads.get(question.key, str)
        while True:
            default = self.draft.get(key) or self.draft.get(f"{key}_file")
            given = self.asker.ask(key, question.asks, default, secret=question.secret).strip()
            if given == default and not self.draft.get(key):
                return  # it stays in its file
            if problem := _problem(step, self.draft, question.key, read(given)):
                self.asker.tell(f"wrong  {problem}")
                self.asker.must_answer_again()
                continue
            self.draft.put(key, read(given))
            return

    def _attempted(self, step: Step) -> Attempted:
        found = self.run(attempts.bounded(step.table, step.attempt()))
        for each in found:
            if each.verdict != "ok" or each.text not in self._told:
                self.asker.tell(f"{each.verdict:5}  {each.text}")
            self._told.add(each.text)
        return found

    def _is_good(self, step: Step, found: Attempted) -> bool:
        wrong = [each.text for each in found if each.verdict == "wrong"]
        if not wrong:
            return True
        keys = [f"{step.table}.{question.key}" for question in step.questions]
        if any(text.startswith(f"{key}:") for text in wrong for key in keys):
            self.asker.must_answer_again()
            return False
        return self.asker.agrees("Go on all the same (no: answer again)", default=False)


_COZE = (
    Question(
        "base_url",
        "Is your agent at coze.com or coze.cn? Type com or cn, or an address",
        secret=False,
    ),
    Question(
        "token",
        "Access token (pat_… or sat_…)",
        steps=(
            "In Coze: API, Authorization, Personal Access Tokens: make one that may chat, and "
            "read agents.",
        ),
    ),
)
_AGENT = (
    Question(
        "bot_id",
        "The agent's number",
        steps=(
            "Publish the agent to the channel API. Its number stands in the address of its page, "
            "which you can paste here whole.",
        ),
        secret=False,
    ),
)
_REGIONS = {"com": "https://api.coze.com", "cn": "https://api.coze.cn"}


def _region(given: str) -> str:
    return _REGIONS.get(given.lower().removeprefix("https://").split("coze.")[-1], given)


def _number(given: str) -> str:
    """The agent's id, also out of the address of its page, such as …/space/…/bot/73428."""
    found = re.search(r"/bot/(\d+)", given)
    return found[1] if found else given


_READS = {"base_url": _region, "bot_id": _number}


def _problem(step: Step, draft: Draft, name: str, value: str) -> str:
    """What is wrong with an answer before anybody tries it; empty if nothing is."""
    key = f"{step.table}.{name}"
    if not value:
        return f"{key}: needs an answer"
    problems = Problems({})
    parse(step.model, {**draft.table(step.table), name: value}, step.table, problems)
    return next((line for line in problems.lines if line.startswith(f"{key}:")), "")


def _parsed(model: type[BaseModel], draft: Draft, table: str) -> Any:
    """The settings as far as they are known. Raises `Misconfigured`."""
    problems = Problems({})
    parsed = parse(model, draft.table(table), table, problems)
    problems.raise_if_any()
    return parsed
