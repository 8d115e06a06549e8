"""A speaker in front of an emulated Slack, and an answer as the core would show it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import aiohttp
from pydantic import SecretStr

from adapters.slack.settings import SlackSettings
from adapters.slack.speak import Speaker
from adapters.slack.workspaces import OneWorkspace
from bridge.errors import Gone, Rejected, Transient
from bridge.events import Button, ChatKind, ChatRef, MessageRef, Page
from tests.platforms.budgets import Clock
from tests.slack.emulator import Channel, Emulator, Message, Person

ACCOUNT = "slack"
FULL = "Once upon a time there was a bridge."


@asynccontextmanager
async def speaking(slack: Emulator, **keys: object) -> AsyncIterator[Speaker]:
    """A speaker with settings of its own, whose clock is Slack's, and who waits in its time."""

    async def sleep(seconds: float) -> None:
        if isinstance(slack.clock, Clock):
            slack.clock.move(seconds)

    base = f"{slack.url}/api/"
    settings = SlackSettings.model_validate({"api_base_url": base, **keys})
    async with aiohttp.ClientSession() as session:
        workspace = OneWorkspace(SecretStr(slack.token), base, session)
        speaker = Speaker(workspace, settings, ACCOUNT, clock=slack.clock, sleep=sleep)
        yield speaker


@dataclass(slots=True)
class Answer:
    """One message of an answer, shown step by step."""

    speaker: Speaker
    chat: ChatRef
    channel: Channel
    key: str = "turn/0"
    ref: MessageRef | None = field(default=None)

    async def grow(self, text: str, **more: object) -> None:
        await self.show(Page(text, **more))  # type: ignore[arg-type]  # as the test says

    async def end(self, text: str, *buttons: Button, plain: bool = False) -> None:
        await self.show(Page(text, final=True, buttons=buttons, plain=plain))

    async def show(self, page: Page) -> None:
        if self.ref is None:
            self.ref = await self.speaker.send(self.chat, page, key=self.key)
        else:
            await self.speaker.edit(self.ref, page)

    @property
    def message(self) -> Message:
        assert self.ref is not None
        return self.channel.messages[self.ref.id]

    @property
    def seen(self) -> list[str]:
        """Everything people saw of it, in order."""
        return [revision.content.seen for revision in self.message.revisions]

    @property
    def markdown(self) -> str:
        """The Markdown people see of it, without what stands below."""
        blocks = [b for b in self.message.blocks if b["type"] == "markdown"]
        return self.message.content.markdown or "".join(str(block["text"]) for block in blocks)

    def by(self, speaker: Speaker) -> "Answer":
        """The same message, in the hands of another process."""
        return replace(self, speaker=speaker)


def asked(slack: Emulator, question: Message) -> ChatRef:
    """Where a question is answered."""
    channel = question.channel
    return ChatRef(
        "slack",
        ACCOUNT,
        f"{slack.team.id}/{channel.id}",
        thread=question.root,
        kind=ChatKind.PRIVATE if channel.is_direct else ChatKind.THREAD,
        reply_to=question.ts,
    )


async def answer(
    slack: Emulator, speaker: Speaker, channel: Channel, person: Person, *, known: bool = True
) -> Answer:
    """An answer to a new question. known: this process saw who asked."""
    question = await person.at(channel).say("Well?", silently=True)
    chat = asked(slack, question)
    if known:
        speaker.asked_by(chat, question.ts, f"{slack.team.id}/{person.id}")
    return Answer(speaker, chat, channel, key=f"turn-{question.ts}/0")


def calls(slack: Emulator) -> list[str]:
    """The methods that were called, as in `startStream appendStream`."""
    made = [call.method for call in slack.journal.of() if call.method != "auth.test"]
    return [method.removeprefix("chat.") for method in made]


async def settled(said: Answer, *buttons: Button) -> None:
    """End it as the core does: again and again, as plain text where markup is refused."""
    plain = False
    for _ in range(5):
        try:
            return await said.end(FULL, *buttons, plain=plain)
        except Rejected:
            plain = True
        except Transient:
            continue
        except Gone:
            said.ref = None
    raise AssertionError("it never stood")


def stands(slack: Emulator, said: Answer) -> None:
    """The answer is there once, whole, and nothing streams any more."""
    whole = [message for message in said.channel.answers if message.text == FULL]
    assert whole == said.channel.answers == [said.message]
    assert slack.open_streams == []


async def tried(said: Answer, text: str) -> None:
    """Grow as the core does: what goes wrong is left to the next snapshot."""
    try:
        await said.grow(text)
    except (Transient, Gone):
        return
