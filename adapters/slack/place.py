"""Slack's ids and the bridge's, both ways. Pure.

A channel's id is unique in its workspace only, so `ChatRef.chat` and `User.id` begin with the
team: `T123/C456`, `T123/U789`. `ChatRef.via` is the organisation (`E…`) of an app that was
installed for all its workspaces at once, else empty.
"""

from dataclasses import dataclass

from bridge.events import ChatRef


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a call goes. thread: the timestamp of the message above it, or empty."""

    team: str
    enterprise: str
    channel: str
    thread: str


def spot(chat: ChatRef) -> Spot:
    """Read a `ChatRef` that this adapter made."""
    team, _, channel = chat.chat.partition("/")
    return Spot(team, chat.via, channel, chat.thread)


def in_team(team: str, name: str) -> str:
    """Name a channel or a person beyond their workspace."""
    return f"{team}/{name}"
