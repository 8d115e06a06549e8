"""Tiers: so many calls a minute of a method, in a workspace, by an app.

https://docs.slack.dev/apis/web-api/rate-limits; chat.postMessage counts by channel instead.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from tests.platforms.budgets import Bucket, Steady, Window

MINUTE = 60.0
_TIER = {
    "chat.startStream": 2,
    "chat.stopStream": 2,
    "chat.appendStream": 4,
    "chat.update": 3,
    "chat.delete": 3,
    "chat.postEphemeral": 4,
    "agents.sessions.setStatus": 3,
    "assistant.threads.setStatus": 5,
    "assistant.threads.setTitle": 5,
    "assistant.threads.setSuggestedPrompts": 5,
    "apps.connections.open": 3,
    "auth.test": 5,
    "auth.revoke": 3,
    "bots.info": 3,
    "conversations.history": 3,
    "conversations.info": 3,
    "conversations.members": 4,
    "conversations.open": 3,
    "conversations.replies": 3,
    "files.completeUploadExternal": 4,
    "files.getUploadURLExternal": 4,
    "files.delete": 3,
    "files.info": 4,
    "oauth.v2.access": 4,
    "reactions.add": 3,
    "team.info": 3,
    "users.info": 4,
    "views.open": 4,
    "views.publish": 4,
    "views.push": 4,
    "views.update": 4,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls a minute by tier; seconds between two posts in a channel, and how many at once.

    special: for methods Slack lists without a tier. post_burst: nobody published it.
    """

    tier2: int = 20
    tier3: int = 50
    tier4: int = 100
    special: int = 600
    post_interval: float = 1.0
    post_burst: int = 3

    def per_minute(self, method: str) -> int:
        tier = _TIER.get(method, 3)
        return {2: self.tier2, 3: self.tier3, 4: self.tier4}.get(tier, self.special)


class Throttle:
    """Keeps the books. `limits=None` lets everything pass."""

    def __init__(self, limits: Limits | None, clock: Callable[[], float]) -> None:
        self.limits = limits
        self._clock = clock
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def set(self, limits: Limits | None) -> None:
        """Change the limits and forget what was used."""
        self.limits = limits
        self._buckets.clear()

    def claim(self, method: str, place: str, channel: str) -> int:
        """Pay for a call and return 0, or return the seconds to retry after."""
        if self.limits is None:
            return 0
        by_channel = method == "chat.postMessage"
        key = (method, channel if by_channel else place)
        if key not in self._buckets:
            self._buckets[key] = _fresh(self.limits, method, by_channel=by_channel)
        now = self._clock()
        bucket = self._buckets[key]
        if wait := bucket.wait(now):
            return math.ceil(wait)
        bucket.take(now)
        return 0


def _fresh(limits: Limits, method: str, *, by_channel: bool) -> Bucket:
    if by_channel:
        return Steady(limits.post_interval, limits.post_burst)
    return Window(limits.per_minute(method), MINUTE)
