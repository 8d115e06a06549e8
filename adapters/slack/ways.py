"""Which way an answer goes, as a stream or as a post with updates, and what that draws on."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from adapters.slack.lately import Lately
from adapters.slack.place import Spot, spot
from adapters.slack.settings import SlackSettings
from adapters.slack.streams import Streams
from adapters.slack.tiers import APPEND, POST, START, STOP, UPDATE, Tiers
from bridge.errors import Permanent, Rejected, Unauthorised
from bridge.events import ChatRef, MessageRef
from bridge.limits import Limit, Pace, Quota
from bridge.logs import get

log = get(__name__)

APPEND_EVERY = 0.7  # seconds; reads as being typed, and leaves a budget of 100 for others
UPDATE_EVERY = 1.2  # seconds; what 50 updates a minute allow one answer alone
POST_EVERY = 1.2  # seconds, in a channel: Slack allows one a second as they arrive there
_MOSTLY = 0.95  # of the appends: nothing final draws on them
_ASKED = 3600.0  # seconds; longer than an answer takes
_REFUSED = 1800.0  # seconds until a place is asked again for streams that it did not have
_UNFORESEEN = 5  # updates a minute that are promised to no answer's end
_ABOUT_READER = re.compile(r"recipient|user|team_not_found")
_METHOD_LACKS = frozenset({"missing_scope", "not_allowed_token_type"})
_WORKSPACE_LACKS = frozenset({"feature_not_enabled", "method_deprecated", "unknown_method"})


class Ways:
    """clock: seconds, monotonic."""

    def __init__(
        self,
        settings: SlackSettings,
        account: str,
        tiers: Tiers,
        streams: Streams,
        clock: Callable[[], float],
    ) -> None:
        self._streaming = settings.stream == "auto"
        self._account = account
        self._tiers = tiers
        self._streams = streams
        self._askers: Lately[tuple[str, str], str] = Lately(_ASKED, clock=clock)
        self._streamless: Lately[str, None] = Lately(_REFUSED, clock=clock)  # teams, channels

    def asked_by(self, chat: ChatRef, ts: str, user: str) -> None:
        """Remember whose message `ts` is."""
        self._askers.put((chat.chat, ts), user)

    def reader(self, chat: ChatRef) -> tuple[str, str] | None:
        """Team and id of the person who is answered, if this process saw their message."""
        team, _, user = (self._askers.get((chat.chat, chat.reply_to)) or "").partition("/")
        return (team, user) if user else None

    def refused(self, chat: ChatRef, error: Permanent) -> None:
        """Remember who has no streams, so that each answer need not find out anew."""
        log.info("stream.refused", account=self._account, error=str(error))
        if isinstance(error, Unauthorised) and error.code not in _METHOD_LACKS:
            return  # a token that is no good at all, which says nothing of the place
        if error.code in _WORKSPACE_LACKS:
            self._streamless.put(spot(chat).team, None)
        elif not isinstance(error, Rejected) and not _ABOUT_READER.search(str(error.code)):
            self._streamless.put(chat.chat, None)

    def may_stream(self, chat: ChatRef) -> bool:
        """Tell whether a new message may be a stream now."""
        there = spot(chat)
        if not self._streaming or not there.thread:
            return False
        if there.team in self._streamless or chat.chat in self._streamless:
            return False
        if not _is_direct(there) and self.reader(chat) is None:
            return False  # Slack wants to know for whom it is
        # Each open stream is going to need a stop, out of as small a budget.
        stops = self._tiers.spare(there.team, STOP) - self._streams.open_in(there.team)
        return stops > 0 and self._tiers.spare(there.team, START) > 0

    def may_preview(self, chat: ChatRef) -> bool:
        """Tell whether a post may show the beginning of an answer, which costs its end an update.

        Where these are used up, an answer that waits to be whole is there sooner.
        """
        return self._unpromised(spot(chat).team) > 0

    def _unpromised(self, team: str) -> int:
        """Updates that are left: each answer that grows by them is promised its last one."""
        promised = self._streams.growing_in(team)
        return max(0, self._tiers.spare(team, UPDATE) - promised - _UNFORESEEN)

    def limits(self, chat: ChatRef, message_id: str | None, *, final: bool) -> Sequence[Limit]:
        """What the next call draws on; see `bridge.adapter.Meters`."""
        if message_id is None:
            return self._limits_of_new(chat, final=final)
        team = spot(chat).team
        shown = self._streams.find(MessageRef(chat, message_id))
        if shown and shown.streaming:
            return self._limits_of_stream(chat, team, final=final)
        updating = (self._growing(chat), self._updates(team))
        if shown is None and self._streaming:
            return (*updating, self._quota(team, STOP))  # it may be a stream of an earlier run
        return updating

    def _limits_of_new(self, chat: ChatRef, *, final: bool) -> Sequence[Limit]:
        """Starts have no quota here: where they are used up, the way is another."""
        posting = Pace((self._account, chat.chat, POST), POST_EVERY)
        if final:
            return (posting,)
        if self.may_stream(chat):
            return (self._pace(chat, START, APPEND_EVERY),)
        return (self._growing(chat), posting)

    def _limits_of_stream(self, chat: ChatRef, team: str, *, final: bool) -> Sequence[Limit]:
        if final:
            return (self._pace(chat, STOP, 0.0), self._quota(team, STOP))
        quota = self._tiers.quota(team, APPEND, edits=_MOSTLY)
        return (self._pace(chat, APPEND, APPEND_EVERY), quota)

    def _growing(self, chat: ChatRef) -> Pace:
        """Of a post that is going to be updated, and of its updates.

        That many share a budget, its quota sees to: those who do take turns. A pace that got
        slower with their number would still be slow when they are gone.
        """
        return self._pace(chat, UPDATE, UPDATE_EVERY)

    def _updates(self, team: str) -> Quota:
        quota = self._quota(team, UPDATE)
        between = max(self._unpromised(team), _UNFORESEEN)
        return replace(quota, edits=min(quota.edits, between / quota.calls))

    def _quota(self, team: str, method: str) -> Quota:
        return self._tiers.quota(team, method)

    def _pace(self, chat: ChatRef, method: str, interval: float) -> Pace:
        """By method, so that a Retry-After of one holds back no other."""
        return Pace((self._account, chat.chat, chat.thread, method), interval)


def _is_direct(there: Spot) -> bool:
    return there.channel.startswith("D")
