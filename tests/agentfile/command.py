"""`coze-bridge agent …` as a process, and the configuration it finds."""

import subprocess
from pathlib import Path

from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Emulator
from tests.test_cli import coze_bridge, write_config


def configured(folder: Path, emulator: Emulator, more: str = "") -> None:
    """Write a configuration whose default agent is the emulator's."""
    text = (
        f'[coze]\nbase_url = "{emulator.url}"\ntoken = "{DEMO_TOKEN}"\n'
        f'[agents.default]\nbot_id = "{DEMO_BOT_ID}"\n{more}[adapters.web]\n'
    )
    write_config(folder, text)


def agent_command(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run it to its end; in a thread, where the emulator is served by the same loop."""
    return coze_bridge("agent", *arguments, folder=folder)
