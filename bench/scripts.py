"""What the Coze emulator is told, and what it tells."""

from collections.abc import Sequence
from typing import Any

import aiohttp


async def script(coze: str, chunks: Sequence[str], pace: float) -> None:
    """Answer every question with these deltas, `pace` seconds apart, after half a second."""
    scenario = {"chunks": list(chunks), "pace": pace, "first_delay": 0.5}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{coze}/_emulator/scenario", json=scenario) as response,
    ):
        response.raise_for_status()


async def asked(coze: str) -> list[dict[str, Any]]:
    """Every question that was accepted, as the emulator's log has it."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{coze}/_emulator/log") as response,
    ):
        return list((await response.json())["asked"])
