"""People who send files, on a platform that has some."""

from collections.abc import Iterator
from dataclasses import replace

from bridge.adapter import Capabilities
from bridge.config import AgentSettings
from bridge.events import Attachment, AttachmentKind, Inbound, Place
from bridge.lanes import express, lane_of
from bridge.testing.adapter import ROOMY
from bridge.testing.agent import ScriptedAgent
from bridge.testing.clock import Clock
from bridge.testing.filing import FilingAdapter, stored
from tests.stages.world import World

MB = 1024 * 1024
PHOTO = Attachment(AttachmentKind.PHOTO, "photo", mime="image/jpeg")
PAPER = Attachment(AttachmentKind.DOCUMENT, "paper", name="paper.pdf")
VOICE = Attachment(AttachmentKind.VOICE, "voice", mime="audio/ogg")


def on(world: World, clock: Clock, caps: Capabilities = ROOMY) -> FilingAdapter:
    """Let the world's platform be one with files."""
    platform = FilingAdapter(caps, clock=clock.monotonic)
    for ref in ("photo", "paper", "voice"):
        platform.files[ref] = stored(ref.encode())
    world.adapter = platform
    world.wire()
    return platform


async def sends(
    world: World, text: str, *files: Attachment, place: Place | None = None
) -> list[str]:
    """Let Anna send a message with files, and have it answered."""
    event = replace(world.says(text), attachments=files, place=place)
    await world.inbox(event)
    return await answered(world, event)


async def answered(world: World, event: Inbound) -> list[str]:
    lane = lane_of(event, world.sessions_settings.group_scope)
    await world.drain(express(lane))
    await world.drain(lane)
    return world.adapter.shown()


def names(agent: ScriptedAgent) -> list[str]:
    """Of what was uploaded, in order."""
    return [file.name for file in agent.files.values()]


def configured(world: World, **settings: object) -> None:
    world.agent_settings = AgentSettings.model_validate({"bot_id": "1", **settings})
    world.wire()


def endless(size: int) -> Iterator[bytes]:
    piece = bytes(64 * 1024)
    return (piece for _ in range(size // len(piece)))
