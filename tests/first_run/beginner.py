"""Somebody who types `coze-bridge init`, and what they know beforehand."""

import asyncio
import subprocess
import sys

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN
from tests.operator.installation import Installation
from tests.test_cli import environment

PATIENCE = 60.0  # seconds


def on_telegram(its: Installation) -> dict[str, str]:
    """Where the emulated platform is: what nobody has to say about the real one."""
    return {"COZE_BRIDGE_ADAPTERS__TELEGRAM__API_BASE_URL": its.telegram.url}


def on_slack(its: Installation) -> dict[str, str]:
    return {"COZE_BRIDGE_ADAPTERS__SLACK__API_BASE_URL": f"{its.slack.url}/api/"}


def everything(its: Installation) -> dict[str, str]:
    """All that a script has to give, for Slack."""
    return {
        **on_slack(its),
        "COZE_BRIDGE_COZE__BASE_URL": its.coze.url,
        "COZE_BRIDGE_COZE__TOKEN": DEMO_TOKEN,
        "COZE_BRIDGE_AGENTS__DEFAULT__BOT_ID": DEMO_BOT_ID,
        "COZE_BRIDGE_ADAPTERS__SLACK__BOT_TOKEN": its.slack.token,
        "COZE_BRIDGE_ADAPTERS__SLACK__APP_TOKEN": its.slack.app_token,
    }


async def init(
    its: Installation,
    *arguments: str,
    answers: tuple[str, ...] = (),
    extra: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Type the command, and then the answers; stdin ends after them."""
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "bridge", "init", *arguments],
        cwd=its.folder,
        env=environment(extra),
        input="".join(f"{answer}\n" for answer in answers),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
