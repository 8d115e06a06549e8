"""The unit as it is shipped, under a real systemd: start, reload, watchdog, stop."""

import asyncio
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator, serve
from tests.deploy.own_systemd import OwnSystemd, own_systemd, prepare, until, why_not
from tests.deploy.units import DEPLOY
from tests.platforms.worlds import free_port

UNIT = "coze-bridge.service"
LOG = "/var/log/coze-bridge.log"

# Less patience than shipped, so that the test need not have it; and a log it can read.
DROP_IN = f"""[Service]
WatchdogSec=3
RestartSec=0
StandardError=append:{LOG}
"""

CONFIG = """
[coze]
base_url = "{coze}"
[agents.default]
bot_id = "{bot}"
[adapters.stuck]
[server]
port = {port}
[log]
format = "json"
"""


async def test_the_unit_starts_reloads_is_started_anew_when_its_loop_is_blocked_and_stops(
    tmp_path: Path,
) -> None:
    if why := await asyncio.to_thread(why_not):
        pytest.skip(why)
    async with serve(Emulator(), host="127.0.0.1", port=0) as coze:
        await asyncio.to_thread(life, tmp_path, coze.url, free_port())


def life(folder: Path, coze: str, port: int) -> None:
    """Everything in one life, because each start takes some seconds."""
    prepare(folder, unit=DEPLOY / UNIT, drop_in=DROP_IN)
    secrets = folder / "etc/coze-bridge/secrets"
    secrets.mkdir(parents=True)
    secrets.chmod(0o700)
    (secrets / "coze_token").write_text(DEMO_TOKEN, encoding="utf-8")
    config = CONFIG.format(coze=coze, bot=DEMO_BOT_ID, port=port)
    (secrets.parent / "config.toml").write_text(config, encoding="utf-8")
    with own_systemd(folder) as systemd:
        it_starts(systemd, port)
        it_reloads(systemd, config)
        it_is_started_anew(systemd, port)
        it_stops(systemd)


def it_starts(systemd: OwnSystemd, port: int) -> None:
    """With every restriction there is; Type=notify waits until it says that it is ready."""
    started = systemd.control("start", UNIT)
    assert started.returncode == 0, log(systemd)
    assert systemd.show(UNIT, "ActiveState") == "active"
    assert is_healthy(port)
    assert systemd.file("/var/lib/private/coze-bridge/coze-bridge.db").exists()
    assert systemd.show(UNIT, "StatusText")
    assert "coze_bridge_process_resident_memory_bytes" in get(port, "/metrics")


def it_reloads(systemd: OwnSystemd, config: str) -> None:
    changed = config + '[access]\ndeny = ["stuck:bella"]\n'
    systemd.file("/etc/coze-bridge/config.toml").write_text(changed, encoding="utf-8")
    assert systemd.control("reload", UNIT).returncode == 0
    wait_for(systemd, lambda: '"changed": ["access.deny"]' in log(systemd))
    assert systemd.show(UNIT, "NRestarts") == "0"


def it_is_started_anew(systemd: OwnSystemd, port: int) -> None:
    before = systemd.show(UNIT, "MainPID")
    systemd.file("/var/lib/private/coze-bridge/block").touch()
    wait_for(systemd, lambda: systemd.show(UNIT, "NRestarts") == "1")
    wait_for(systemd, lambda: systemd.show(UNIT, "ActiveState") == "active" and is_healthy(port))
    assert systemd.show(UNIT, "MainPID") != before
    assert "Fatal Python error: Aborted" in log(systemd)
    assert 'stuck.py", line' in log(systemd)


def it_stops(systemd: OwnSystemd) -> None:
    assert systemd.control("stop", UNIT).returncode == 0
    assert systemd.show(UNIT, "Result") == "success"
    assert systemd.show(UNIT, "ExecMainStatus") == "0"


def log(systemd: OwnSystemd) -> str:
    return systemd.file(LOG).read_text("utf-8")


def wait_for(systemd: OwnSystemd, condition: Callable[[], object]) -> None:
    try:
        until(condition)
    except TimeoutError as error:
        status = systemd.control("status", UNIT).stdout
        raise AssertionError(f"{error}\n{status}\n{log(systemd)}") from error


def is_healthy(port: int) -> bool:
    try:
        return bool(get(port, "/healthz"))
    except OSError:
        return False


def get(port: int, path: str) -> str:
    """Raises `OSError` for whatever is not 200."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
        return str(response.read().decode())
