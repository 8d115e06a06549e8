"""An adapter with a mistake: when a file `block` lies in its folder, it waits without `await`."""

import asyncio
import time
from pathlib import Path

from bridge.adapter import Sink
from bridge.lent import Host
from bridge.platform import AdapterSettings, Platform
from bridge.testing.adapter import BareAdapter

PLATFORM = Platform(settings=AdapterSettings, adapter="stuck:Stuck")
FOR_EVER = 3600.0  # seconds


class Stuck(BareAdapter):
    def __init__(self, account: str, settings: AdapterSettings, host: Host) -> None:
        super().__init__()
        self.account = account

    async def run(self, sink: Sink) -> None:
        while not is_asked_to_block():
            await asyncio.sleep(0.02)
        block()


def is_asked_to_block() -> bool:
    return Path("block").exists()


def block() -> None:
    """Once; the next process finds nothing that asks for it."""
    Path("block").unlink()
    time.sleep(FOR_EVER)
