"""What editing agents needs of Coze; `bridge/coze/bots.py` has it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bridge.agentfile.fields import Fields
from bridge.agentfile.merge import Draft

API_CHANNEL = "1024"
"""Where an agent must be published for a bridge to reach it."""


@dataclass(frozen=True, slots=True)
class Version:
    """One publication. created_at: seconds since 1970."""

    version: str
    created_at: int
    creator: str
    changelog: str


@dataclass(frozen=True, slots=True)
class Listed:
    """An agent in a list. version: empty where Coze does not tell; updated_at: since 1970."""

    bot_id: str
    name: str
    version: str
    is_published: bool
    updated_at: int


class Workbench(Protocol):
    """Agents as those who make them see them. Every method raises `bridge.errors`."""

    async def draft(self, bot_id: str) -> Draft:
        """Read the draft, which is what `update` edits."""

    async def online(self, bot_id: str) -> Listed:
        """Read what answers now. Raises `Permanent` if it is not published to the API."""

    async def upload(self, name: str, content: bytes) -> str:
        """Upload a file and return its id."""

    async def update(self, bot_id: str, fields: Fields, icon_file_id: str = "") -> None:
        """Edit the draft. People who talk to the agent see nothing of it yet."""

    async def publish(self, bot_id: str, channels: Sequence[str]) -> str:
        """Make the draft the version that answers, and return the version."""

    async def versions(self, bot_id: str) -> list[Version]:
        """List what was published, newest first."""

    async def agents(self, workspace_id: str) -> list[Listed]:
        """List all agents of a workspace, published or not."""
