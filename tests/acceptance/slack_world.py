"""The daemon between a Slack and a Coze, both emulated over real HTTP and WebSockets."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from daemon_process import PATIENCE, Daemon, Stage, answer_to, eventually

from tests.platforms.worlds import free_port
from tests.slack.emulator import Call, Channel, Emulator, Message, Person, Seat

Mode = Literal["socket", "http"]
ADAPTER = "adapters.slack"  # as /readyz names it
STOP = "⏹"  # stands on the button of an answer that grows by edits
HURRY = (0.0, *[0.3] * 2_000)  # seconds; Slack's own pauses are a minute and five


@dataclass
class SlackWorld(Stage):
    """Slack on the other side, which judges as well."""

    slack: Emulator

    def daemon(self, mode: Mode = "socket", **settings: str) -> Daemon:
        """A daemon of this world, not started yet. `settings`: A__B="c"."""
        port = free_port() if mode == "http" else 0
        self.slack.mode = mode
        self.slack.hooks.url = f"http://127.0.0.1:{port}/slack/slack/events"
        return self.add({**self.account(mode), **settings}, port=port)

    def account(self, mode: Mode = "socket") -> dict[str, str]:
        """The settings of our account here."""
        return {
            "adapters__slack__bot_token": self.slack.token,
            "adapters__slack__app_token": self.slack.app_token if mode == "socket" else "",
            "adapters__slack__signing_secret": self.slack.signing_secret if mode == "http" else "",
            "adapters__slack__api_base_url": f"{self.slack.url}/api/",
            "adapters__slack__mode": mode,
        }

    def person(self, name: str) -> Person:
        return self.slack.person(name)

    def dm(self, name: str) -> Seat:
        """The direct messages of a person with the bot."""
        return self.slack.person(name).dm()

    def mention(self, text: str) -> str:
        """A text as somebody writes it who mentions the bot."""
        return f"{self.slack.bot.mention} {text}"

    async def answered(self, thread: Seat, *questions: str, within: float = PATIENCE) -> None:
        """Wait until exactly the answers to these stand in the thread, finished."""
        await self.reads(thread, *map(answer_to, questions), within=within)

    async def reads(self, thread: Seat, *texts: str, within: float = PATIENCE) -> None:
        """Wait until exactly these messages of ours stand in the thread, finished."""
        try:
            await eventually(lambda: finished(thread.answers) == [*texts], within=within)
        except AssertionError as error:
            raise AssertionError(f"after {within:.0f} s: {finished(thread.answers)}") from error

    def calls(self, *methods: str, channel: Channel | None = None) -> list[Call]:
        return self.slack.journal.of(*methods, chat=channel.id if channel else None)

    def untold(self) -> int:
        """How many events the bridge has not acknowledged."""
        return len(self.slack.deliveries.open)


def finished(messages: Iterable[Message]) -> list[str]:
    """The texts, with an ellipsis after those that are still being streamed, or can be stopped."""
    return [f"{m.text} …" if m.streaming or STOP in m.labels else m.text for m in messages]


BLUNDERS = (
    "invalid_",
    "missing_",
    "no_text",
    "markdown_text_conflict",
    "not_allowed",
    "not_authed",
)


def blunders(slack: Emulator) -> list[str]:
    """What Slack refused because the call was wrong in itself, which no test asks for."""
    return [
        f"{call.method}: {call.description} {call.params}"
        for call in slack.journal.entries
        if call.description.startswith(BLUNDERS)
    ]
