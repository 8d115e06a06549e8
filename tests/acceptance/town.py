"""Telegram and Slack and Coze at once, and people who ask and know what they must be answered.

What became of each question is read from what the platforms show and from what Coze was asked:
nothing here knows of the bridge's own tables.
"""

import asyncio
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from daemon_process import Daemon, answer_to
from slack_world import SlackWorld
from slack_world import finished as finished_on_slack
from telegram_world import TelegramWorld
from telegram_world import finished as finished_on_telegram
from test_faults import EXPECTED, PRELUDES
from twice import SOCKET, STORING, begun

from bridge.emulator import FAULTS, Asked
from tests.slack.emulator import Message as SlackMessage
from tests.slack.emulator import Seat
from tests.telegram.emulator import Message

M = TypeVar("M", Message, SlackMessage)

MOST_OPEN = 2  # questions of one person that wait for their answers
FAULTY = 0.4  # of all questions have some trouble at Coze

# Trouble that is over while a test waits, and after which the answer is whole or an apology.
TROUBLES = (
    *("unknown_conversation", "system_busy", "model_error", "rate_limited", "internal", "busy"),
    *("http_429", "http_500", "bad_gateway", "drop_unasked", "drop_asked", "drop_headers"),
    *("slow_headers", "slow_start", "cut", "cut_before_text", "cut_mid_frame", "cut_reset"),
    *("eof", "eof_after_text", "no_terminal", "no_done", "unterminated", "stall", "pause"),
    *("null_fields", "tool_noise", "ping", "cannot_answer", "quota", "refused_content"),
    *("failed", "failed_at_once", "error_event", "failed_unseen"),
)

SORRY = re.compile(r"Sorry, [^()]+ \(Reference \d{5}\)")


@dataclass(frozen=True)
class Incident:
    """Something that happened to a replica or its database, from one moment to another.

    Times are of `time.monotonic`.
    """

    name: str
    begin: float
    end: float

    def touches(self, begin: float, end: float) -> bool:
        return self.begin <= end and begin <= self.end


@dataclass(frozen=True)
class Question:
    """fault: what happens to it at Coze; empty if nothing does. at: of `time.monotonic`."""

    text: str
    fault: str
    at: float

    def is_answered_by(self, text: str) -> bool:
        """Whether this is the answer, or the apology that is due."""
        whole = answer_to(self.text)
        if not self.fault or EXPECTED[self.fault].text == "{answer}":
            return text == whole
        said, sorry, rest = text.partition("Sorry")
        # Of an answer that Coze broke off, a run after a death may find less than the first.
        return bool(SORRY.fullmatch(sorry + rest)) and whole.startswith(said.rstrip())


class Place(Protocol):
    """Where somebody talks with the bot."""

    @property
    def name(self) -> str: ...

    async def say(self, text: str) -> None: ...

    def answers(self) -> list[str]:
        """What the bot has said, as people read it."""

    def kept(self, incidents: Sequence[Incident]) -> list[str]:
        """The same without what may stand twice after these incidents."""


@dataclass
class TelegramChat:
    """A private chat. A message that was being posted at an incident may stand twice."""

    world: TelegramWorld
    number: int

    @property
    def name(self) -> str:
        return f"t{self.number}"

    async def say(self, text: str) -> None:
        await self.world.say(self.number, text)

    def answers(self) -> list[str]:
        return finished_on_telegram(self.world.chat(self.number).answers)

    def kept(self, incidents: Sequence[Incident]) -> list[str]:
        messages = self.world.chat(self.number).answers
        return finished_on_telegram(
            message
            for place, message in enumerate(messages)
            if not self._is_double(message, messages[place + 1 :], incidents)
        )

    def _is_double(
        self, message: Message, later: Sequence[Message], incidents: Sequence[Incident]
    ) -> bool:
        """It was never touched again after it was posted, for nobody knew of it."""
        if message.edits or not any(each.text.startswith(begun(message)) for each in later):
            return False
        [post] = [c for c in self.world.calls("sendMessage") if c.message == message.id]
        if not post.status:
            return True  # its answer was lost, and Telegram cannot be asked
        answered = post.at if post.answered is None else post.answered
        return any(each.touches(post.at - SOCKET, answered + STORING) for each in incidents)


@dataclass
class SlackThread:
    """Direct messages, or a thread in a channel that begins with a mention. Nothing is excused."""

    world: SlackWorld
    seat: Seat
    thread: Seat | None = None

    @property
    def name(self) -> str:
        return f"s{self.seat.person.name}"

    async def say(self, text: str) -> None:
        if self.thread is not None:
            await self.thread.say(text)
            return
        mentioned = text if self.seat.channel.is_direct else self.world.mention(text)
        self.thread = self.seat.in_thread(await self.seat.say(mentioned))

    def answers(self) -> list[str]:
        return finished_on_slack(self.thread.answers) if self.thread else []

    def kept(self, incidents: Sequence[Incident]) -> list[str]:
        return self.answers()


@dataclass
class Town:
    """Two platforms and the Coze behind both, with bridges between them."""

    telegram: TelegramWorld
    slack: SlackWorld

    def replica(self, **settings: str) -> Daemon:
        """A bridge with an account on each platform, not started yet."""
        return self.telegram.daemon(**self.slack.account(), **settings)

    def people(self, dice: random.Random, *, on_telegram: int, on_slack: int) -> list["Person"]:
        """So many on each platform; on Slack some in direct messages, some in a channel."""
        general = self.slack.slack.channel("general")
        places: list[Place] = [TelegramChat(self.telegram, n) for n in range(1, on_telegram + 1)]
        for number in range(1, on_slack + 1):
            somebody = self.slack.person(str(number))
            seat = somebody.dm() if number % 2 else somebody.at(general)
            places.append(SlackThread(self.slack, seat))
        return [Person(self, place, random.Random(dice.random())) for place in places]

    def asked(self, question: Question) -> list[Asked]:
        """How often Coze accepted it, and how that went."""
        return [asked for asked in self.telegram.coze.asked if asked.text == question.text]

    def first_met(self, question: Question) -> float:
        """When Coze first heard of it; it may have refused it then."""
        coze = self.telegram.coze
        known = [each.at for each in (*coze.asked, *coze.refused) if each.text == question.text]
        return min(known, default=float("inf"))


@dataclass
class Person:
    """Asks one question after another, a few ahead of the answers."""

    town: Town
    place: Place
    dice: random.Random
    questions: list[Question] = field(default_factory=list)

    async def talk(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            if len(self.questions) - len(self.answered) < MOST_OPEN:
                await self._ask()
            await asyncio.sleep(self.dice.uniform(0.2, 1.2))

    async def _ask(self) -> None:
        text = f"{self.place.name}q{len(self.questions)}"
        fault = self.dice.choice(TROUBLES) if self.dice.random() < FAULTY else ""
        if fault in PRELUDES and not any(not each.fault for each in self.answered):
            fault = ""  # only a conversation that was there can be lost
        if fault:
            self.town.telegram.coze.install(replace(FAULTS[fault], match=f"^{text}$"))
        self.questions.append(Question(text, fault, asyncio.get_running_loop().time()))
        await self.place.say(text)

    @property
    def answered(self) -> list[Question]:
        """Those whose answer stands, wherever."""
        there = self.place.answers()
        return [each for each in self.questions if any(map(each.is_answered_by, there))]

    @property
    def is_served(self) -> bool:
        return len(self.answered) == len(self.questions)


def in_order(person: Person) -> list[Question]:
    """The questions as they came in: a platform that repeats deliveries may swap two."""
    return sorted(person.questions, key=person.town.first_met)
