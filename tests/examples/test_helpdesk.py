"""examples/helpdesk keeps the contract, and an installed one is found by its entry point."""

import asyncio
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from coze_bridge_helpdesk.adapter import HelpdeskAdapter
from coze_bridge_helpdesk.settings import HelpdeskSettings

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator
from bridge.emulator import serve as serve_coze
from bridge.events import ChatRef
from bridge.testing.contract import AdapterContract, Fault
from bridge.testing.transcript import FakeHost
from tests.examples.conftest import EXAMPLE
from tests.examples.desk import TOKEN, Desk, served
from tests.test_cli import environment, free_port

PATIENCE = 60.0  # seconds
PAGE = EXAMPLE.parents[1] / "docs" / "adapters.md"

REFUSALS = {
    Fault.RATE_LIMITED: (429, {"Retry-After": "2"}),
    Fault.GONE: (410, {}),
    Fault.REJECTED: (422, {}),
    Fault.UNREACHABLE: (502, {}),
}


class Double:
    """The desk, and the adapter that is called by it."""

    faults = frozenset(Fault)
    knows_repeats = True

    def __init__(self, desk: Desk, adapter: HelpdeskAdapter, hook: str) -> None:
        self.desk, self.adapter, self.hook = desk, adapter, hook
        self.chat = ChatRef("helpdesk", "helpdesk", "t1")

    async def deliver(self, text: str, *, event: str) -> bool:
        return await self.desk.say(self.hook, event, text) == 200

    async def shown(self) -> Sequence[str]:
        return list(self.desk.tickets.get("t1", {}).values())

    async def fail(self, fault: Fault) -> None:
        status, headers = REFUSALS[fault]
        self.desk.refuse = web.Response(status=status, headers=headers)


class TestHelpdesk(AdapterContract):
    """Every test of the contract."""

    @pytest.fixture
    async def platform(self) -> AsyncIterator[Double]:
        desk = Desk()
        async with served(desk.routes()) as desk.url:
            settings = HelpdeskSettings.model_validate({"api_url": desk.url, "token": TOKEN})
            adapter = HelpdeskAdapter("helpdesk", settings, FakeHost())
            async with served(adapter.routes()) as url:
                yield Double(desk, adapter, f"{url}/helpdesk/helpdesk")

    @pytest.mark.usefixtures("adapter")
    async def test_nobody_else_can_speak_for_the_desk(self, platform: Double) -> None:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer né"}):
            async with (
                aiohttp.ClientSession() as http,
                http.post(platform.hook, json={}, headers=headers) as response,
            ):
                assert response.status == 401

    @pytest.mark.usefixtures("adapter")
    @pytest.mark.parametrize("body", ["{", "[]", '{"id": "1"}'])
    async def test_what_is_no_message_is_refused(self, platform: Double, body: str) -> None:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as http,
            http.post(platform.hook, data=body) as response,
        ):
            assert response.status == 400


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the example is installed, as anybody's package would be."""
    target = tmp_path_factory.mktemp("packages")
    install = ["install", "--quiet", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", *install, str(EXAMPLE)], check=True)
    return target


async def test_an_installed_one_is_found_and_answers(packages: Path, tmp_path: Path) -> None:
    desk, port = Desk(), free_port()
    async with served(desk.routes()) as desk.url, serve_coze(Emulator(pace=0)) as coze:
        around = environment(
            {
                "COZE_BRIDGE_COZE__BASE_URL": coze.url,
                "COZE_BRIDGE_COZE__TOKEN": DEMO_TOKEN,
                "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": DEMO_BOT_ID,
                "COZE_BRIDGE_ADAPTERS__HELPDESK__API_URL": desk.url,
                "COZE_BRIDGE_ADAPTERS__HELPDESK__TOKEN": TOKEN,
                "COZE_BRIDGE_SERVER__PORT": str(port),
            }
        )
        around["PYTHONPATH"] += f":{packages}"
        process = await asyncio.create_subprocess_exec(
            *[sys.executable, "-u", "-m", "bridge", "run"],
            cwd=tmp_path,
            env=around,
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            async with asyncio.timeout(PATIENCE):
                await process.stdout.readline()  # it listens
                hook = f"http://127.0.0.1:{port}/helpdesk/helpdesk"
                while await desk.say(hook, "e1", "My printer is on fire") != 200:
                    await asyncio.sleep(0.05)
                while not desk.tickets.get("t1"):
                    await asyncio.sleep(0.05)
            assert [asked.text for asked in coze.asked] == ["My printer is on fire"]
        finally:
            process.terminate()
            await process.wait()


def test_init_asks_for_an_installed_one(packages: Path, tmp_path: Path) -> None:
    """As for ours: nothing in the bridge knows that there is such a platform."""
    extra = {"COZE_BRIDGE_COZE__TOKEN": "pat_x", "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": "1"}
    around = environment(extra)
    around["PYTHONPATH"] += f":{packages}"
    told = subprocess.run(
        [sys.executable, "-m", "bridge", "init", "--offline", "--on", "helpdesk"],
        cwd=tmp_path,
        env=around,
        input=f"cn\n\n\nhttps://desk.example\n{TOKEN}\n",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "The help desk" in told.stdout
    assert "at the desk, set the webhook to" in told.stdout
    assert f'token = "{TOKEN}"' in (tmp_path / "config.toml").read_text("utf-8")


def test_the_page_shows_the_example_as_it_is() -> None:
    """Every piece of Python and TOML in docs/adapters.md stands in the example, word for word."""
    sources = "\n".join(
        path.read_text("utf-8")
        for path in sorted(EXAMPLE.rglob("*"))
        if path.suffix in {".py", ".toml"}
    )
    shown = re.findall(r"^```(?:python|toml)\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    assert len(shown) >= 4
    for block in shown:
        for piece in block.split("\n...\n"):
            assert piece.strip("\n") in sources, piece
