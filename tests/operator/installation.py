"""An installation as an operator finds it: a configuration, and the far sides it leads to."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from aiohttp import web

from adapters.registry import settings_model
from bridge.check import offline
from bridge.config import Settings, load
from bridge.emulator import DEMO_APP_ID, DEMO_BOT_ID, DEMO_TOKEN, Emulator
from bridge.emulator import serve as serve_coze
from bridge.operator.checkup import ROOM, online
from bridge.platform import Finding
from tests.slack.emulator import Emulator as Slack
from tests.slack.emulator import serve as serve_slack
from tests.telegram.emulator import Emulator as Telegram
from tests.telegram.emulator import serve as serve_telegram

Table: TypeAlias = dict[str, object]


@dataclass
class Installation:
    """Everything is right until a test spoils it.

    ahead: seconds this machine's clock is ahead of all others.
    """

    folder: Path
    coze: Emulator
    telegram: Telegram
    slack: Slack
    stack: AsyncExitStack
    ahead: float = 0.0
    room: int = ROOM
    mode: int = 0o600
    tables: dict[str, Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.database: Table = {"url": f"sqlite:///{self.folder / 'bridge.db'}"}
        self.tables = {
            "database": self.database,
            "coze": {"base_url": self.coze.url, "token": DEMO_TOKEN},
            "agents.default": {"bot_id": DEMO_BOT_ID},
            "server": {"port": 0},
        }

    def on_telegram(self, **table: object) -> Table:
        """Configure the bot, with something waiting for it, so that no poll takes time."""
        given: Table = {"token": self.telegram.token, "api_base_url": self.telegram.url}
        self.tables["adapters.telegram"] = {**given, **table}
        return self.tables["adapters.telegram"]

    def on_slack(self, **table: object) -> Table:
        given: Table = {
            "bot_token": self.slack.token,
            "app_token": self.slack.app_token,
            "api_base_url": f"{self.slack.url}/api/",
        }
        self.tables["adapters.slack"] = {**given, **table}
        return self.tables["adapters.slack"]

    def on_page(self) -> None:
        self.tables["adapters.web"] = {"access": "open"}

    def variables(self, **sources: str) -> None:
        self.tables["agents.default.variables"] = dict(sources)

    def chatflow(self, workflow_id: str, app_id: str = DEMO_APP_ID) -> None:
        self.tables["agents.default"] = {"workflow_id": workflow_id, "app_id": app_id}

    @property
    def path(self) -> Path:
        return self.folder / "config.toml"

    def write(self) -> Path:
        """Write the configuration down."""
        if not any(name.startswith("adapters.") for name in self.tables):
            self.on_page()
        text = "".join(f"[{name}]\n{_lines(table)}" for name, table in self.tables.items())
        self.path.write_text(text, encoding="utf-8")
        self.path.chmod(self.mode)
        return self.path

    def settings(self) -> Settings:
        return load(self.write(), {}, settings_model)

    async def check(self) -> list[Finding]:
        """What `coze-bridge check` finds."""
        found = await offline(self.write(), {})
        if any(each.text.startswith("configuration:") for each in found):
            found += await online(load(self.path, {}, settings_model), self.now)
        return found

    def now(self) -> datetime:
        return datetime.fromtimestamp(datetime.now(UTC).timestamp() + self.ahead, UTC)

    async def served(self, body: str, content_type: str = "text/html") -> str:
        """Let some other program answer everything; where it does."""

        async def answer(_: web.Request) -> web.Response:
            return web.Response(text=body, content_type=content_type)

        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self.stack.push_async_callback(runner.cleanup)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"


def _lines(table: Table) -> str:
    return "".join(f"{key} = {_toml(value)}\n" for key, value in table.items())


def _toml(value: object) -> str:
    return str(value) if isinstance(value, int) else f'"{value}"'


@asynccontextmanager
async def installed(folder: Path) -> AsyncIterator[Installation]:
    """Serve all three far sides."""
    async with AsyncExitStack() as stack:
        coze = await stack.enter_async_context(serve_coze(Emulator(pace=0)))
        telegram = await stack.enter_async_context(serve_telegram(Telegram(strict=False)))
        slack = await stack.enter_async_context(serve_slack(Slack()))
        yield Installation(folder, coze, telegram, slack, stack)


def closed(url: str) -> str:
    """An address like `url` where nobody listens."""
    return url.rsplit(":", 1)[0] + ":9"
