"""A whole bridge in this process, between a Slack and a Coze, both over real HTTP."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from adapters.slack.adapter import SlackAdapter
from adapters.slack.settings import SlackSettings
from adapters.slack.socket import Timing
from bridge.config import AgentSettings, ServerSettings, Settings
from bridge.emulator import DEMO_BOT_ID, Scenario
from bridge.emulator import Emulator as Coze
from bridge.events import Inbound
from bridge.testing.contract import RecordingSink, receiving
from bridge.testing.transcript import FakeHost
from bridge.web.server import serve_http
from tests.platforms.worlds import (
    PATIENCE,
    RunAgain,
    Running,
    eventually,
    free_port,
    running,
    settings_of,
)
from tests.slack.emulator import Emulator

ACCOUNT = "slack"
SLACK_GIVES_UP = 3.0  # seconds; then it delivers an event again
HASTY = Timing(last_words=0.5, short_life=0.0, waits=(0.01, 0.02))


def slack_settings(slack: Emulator, **table: object) -> SlackSettings:
    """A table of the configuration that leads to an emulator, in the emulator's mode."""
    secrets = {"app_token": slack.app_token}
    if slack.mode == "http":
        secrets = {"signing_secret": slack.signing_secret}
    given = {
        "platform": "slack",
        "mode": slack.mode,
        "bot_token": slack.token,
        "api_base_url": f"{slack.url}/api/",
        **secrets,
        **table,
    }
    return SlackSettings.model_validate(given)


class Supervised(RunAgain, SlackAdapter):
    """An adapter that is run again when it fails."""

    timing = HASTY


@dataclass(frozen=True, slots=True)
class Listening:
    """An adapter on its own, and what it heard."""

    slack: Emulator
    adapter: Supervised
    sink: RecordingSink

    @property
    def texts(self) -> list[str]:
        return [event.text for event in self.sink.events]

    async def heard(self, *texts: str) -> list[Inbound]:
        """Wait until exactly these were heard, in this order, and all is acknowledged."""
        await eventually(lambda: len(self.sink.events) >= len(texts))
        await self.settled()
        assert self.texts == list(texts)
        return list(self.sink.events)

    async def settled(self) -> None:
        """Wait until everything was acknowledged."""
        await self.slack.until(lambda it: not it.deliveries.open, within=PATIENCE)


@asynccontextmanager
async def listening(
    slack: Emulator,
    *,
    host: FakeHost | None = None,
    sink: RecordingSink | None = None,
    **table: object,
) -> AsyncIterator[Listening]:
    """Run an adapter until the block ends. table: keys of its configuration."""
    sink = sink or RecordingSink()
    adapter = Supervised(ACCOUNT, slack_settings(slack, **table), host or FakeHost())
    await adapter.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(adapter.close)
        if slack.mode == "http":
            slack.hooks.use_real_time()
            server = ServerSettings(port=free_port())
            url = await stack.enter_async_context(serve_http(server, [adapter]))
            slack.hooks.url = f"{url}/slack/{ACCOUNT}/events"
        await stack.enter_async_context(receiving(adapter, sink))
        yield Listening(slack, adapter, sink)


@dataclass(frozen=True, slots=True)
class World:
    """Both far sides, and the bridges a test starts between them."""

    slack: Emulator
    coze: Coze
    folder: Path
    voice: str = ""  # with which the agent answers who spoke

    def script(self, match: str, **scenario: object) -> None:
        """Say what Coze does with questions that match."""
        self.coze.install(Scenario(match=match, **scenario))  # type: ignore[arg-type]

    def questions(self) -> list[str]:
        """What Coze was asked and accepted, in order."""
        return [asked.text for asked in self.coze.asked]

    def settings(self, sessions: dict[str, object], table: dict[str, object]) -> Settings:
        return settings_of(
            ACCOUNT,
            slack_settings(self.slack, **table),
            coze=self.coze.url,
            agent=AgentSettings(bot_id=DEMO_BOT_ID, reply_voice_id=self.voice),
            folder=self.folder,
            sessions=sessions,
            served=self.slack.mode == "http",
        )

    @asynccontextmanager
    async def running(
        self, sessions: dict[str, object] | None = None, *, well: bool = True, **table: object
    ) -> AsyncIterator[Running]:
        """Run a bridge until the block ends. table: keys of its Slack account.

        well: wait until it has begun to receive.
        """

        def listening(url: str) -> None:
            self.slack.hooks.url = f"{url}/slack/{ACCOUNT}/events"

        settings = self.settings(sessions or {}, table)
        async with running(settings, well=well, listening=listening) as found:
            yield found
