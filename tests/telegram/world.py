"""A whole bridge in this process, between a Telegram and a Coze, both over real HTTP."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from adapters.telegram.adapter import TelegramAdapter
from adapters.telegram.settings import TelegramSettings
from bridge.config import AgentSettings, Settings
from bridge.emulator import DEMO_BOT_ID, Scenario
from bridge.emulator import Emulator as Coze
from bridge.errors import Unreachable
from bridge.lent import MenuItem, News, Transcript, Vault
from bridge.testing.transcript import FakeNews
from tests.platforms.worlds import RunAgain, Running, running, settings_of
from tests.telegram.emulator import TOKEN, Emulator

ACCOUNT = "telegram"
# Most tests look at buttons, and are not about the two that every answer has.
MUTE = AgentSettings(bot_id=DEMO_BOT_ID, feedback=False)
BRISK = 0.05  # seconds between two edits, where a test is not about pacing


def telegram_settings(url: str, **table: object) -> TelegramSettings:
    """A table of the configuration that leads to an emulator at `url`."""
    given = {"platform": "telegram", "token": TOKEN, "api_base_url": url, **table}
    return TelegramSettings.model_validate(given)


class LentHost:
    """What a bridge lends to an adapter, without a database. moved: the chats that did."""

    def __init__(self, public_url: str = "") -> None:
        self._public_url = public_url
        self.moved: list[tuple[str, str]] = []
        self.failing = False  # whether the database is out of reach

    @property
    def transcript(self) -> Transcript:
        raise NotImplementedError("Telegram keeps its messages itself")

    @property
    def news(self) -> News:
        return FakeNews()

    @property
    def menus(self) -> Mapping[str, Sequence[MenuItem]]:
        return {}

    @property
    def public_url(self) -> str:
        return self._public_url

    @property
    def vault(self) -> Vault:
        raise NotImplementedError("a bot has no secrets of others")

    async def secret(self, name: str) -> str:
        return f"secret-of-{name}"

    async def chat_moved(self, old: str, new: str) -> None:
        if self.failing:
            raise Unreachable("the commit failed")
        self.moved.append((old, new))


class Supervised(RunAgain, TelegramAdapter):
    """An adapter that is run again when it fails."""


@dataclass(slots=True)
class World:
    """Both far sides, and the bridges a test starts between them."""

    telegram: Emulator
    coze: Coze
    folder: Path
    agent: AgentSettings = field(default=MUTE)

    def script(self, match: str, **scenario: object) -> None:
        """Say what Coze does with questions that match."""
        self.coze.install(Scenario(match=match, **scenario))  # type: ignore[arg-type]

    def questions(self) -> list[str]:
        """What Coze was asked and accepted, in order."""
        return [asked.text for asked in self.coze.asked]

    def settings(self, sessions: dict[str, object], table: dict[str, object]) -> Settings:
        return settings_of(
            ACCOUNT,
            telegram_settings(self.telegram.url, **table),
            coze=self.coze.url,
            agent=self.agent,
            folder=self.folder,
            sessions=sessions,
            served=table.get("mode") == "webhook",
        )

    @asynccontextmanager
    async def running(
        self, sessions: dict[str, object] | None = None, *, well: bool = True, **table: object
    ) -> AsyncIterator[Running]:
        """Run a bridge until the block ends. table: keys of its Telegram account.

        well: wait until it has begun to receive.
        """
        brisk: dict[str, object] = {"edit_interval_private": BRISK, "edit_interval_group": BRISK}
        settings = self.settings(sessions or {}, {**brisk, **table})
        async with running(settings, well=well) as found:
            yield found
