"""The whole product with nothing to configure: Coze is played by the emulator, in this process."""

import errno
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr

from adapters.registry import settings_model
from bridge import process
from bridge.config import (
    AgentSettings,
    CozeSettings,
    DatabaseSettings,
    FilesSettings,
    ServerSettings,
    Settings,
)
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, serve
from bridge.web.ask import port_is_taken

HOST = "127.0.0.1"
FOLDER = Path(".demo")
PATIENCE = 120
"""Seconds that `say` waits for the whole answer."""


VARIABLES = {"user_name": "user.name", "language": "user.language", "platform": "platform"}
"""What the demo's agent is told; ask it "what is my name?" after giving one on the page."""


async def chat_page(port: int, write: Callable[[str], None]) -> None:
    """Serve the chat page until the process is asked to stop; chats are kept in `./.demo`.

    Raises `OSError` if the port is taken, `BridgeError` if another demo runs in this folder.
    """
    _require_free(port)
    database = _database()
    admin_token = secrets.token_urlsafe(9)

    def started(_lines: str) -> None:
        write(f"Chat with the demo agent on http://{HOST}:{port}/ (Ctrl-C ends it)")
        write(f"What its operator sees: http://{HOST}:{port}/admin (token: {admin_token})")
        write(f"Coze is played by an emulator on this machine; chats are kept in {FOLDER}/")

    async with serve(Emulator(), host=HOST, port=0) as coze:
        settings = _settings(coze.url, database, "web", port, admin_token)
        await process.serve(settings, started=started)


async def say(text: str, write: Callable[[str], None]) -> None:
    """Send one message through the same pipeline, writing the answer as it grows.

    Its database is a temporary one, so that it works beside a running demo. Raises `BridgeError`.
    """
    with TemporaryDirectory() as folder:
        async with serve(Emulator(), host=HOST, port=0) as coze:
            settings = _settings(coze.url, Path(folder) / "coze-bridge.db", "console", 0)
            await process.say(settings, text, write, timeout=PATIENCE)


def _settings(
    coze_url: str, database: Path, platform: str, port: int, admin_token: str = ""
) -> Settings:
    table = {"platform": platform, **({"access": "open"} if platform == "web" else {})}
    return Settings(
        coze=CozeSettings.model_validate({"base_url": coze_url, "token": DEMO_TOKEN}),
        agents={"default": AgentSettings(bot_id=DEMO_BOT_ID, variables=VARIABLES)},
        adapters={platform: settings_model(platform).model_validate(table)},
        database=DatabaseSettings(url=f"sqlite:///{database}"),
        # The demo agent's pictures come from the emulator, which only this machine reaches.
        files=FilesSettings(allow_private=True),
        server=ServerSettings(host=HOST, port=port, admin_token=SecretStr(admin_token)),
    )


def _database() -> Path:
    FOLDER.mkdir(exist_ok=True)
    return FOLDER / "coze-bridge.db"


def _require_free(port: int) -> None:
    """Find out before anything is opened, so that the complaint is about the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise port_is_taken(port) from error
            raise
