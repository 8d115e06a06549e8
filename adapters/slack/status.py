"""What stands below a thread while an answer is being thought about, and Slack's Stop button.

https://docs.slack.dev/reference/methods/assistant.threads.setStatus: it goes by itself after two
minutes, or with the next message. https://docs.slack.dev/reference/methods/agents.sessions.setStatus:
while a session is `processing`, people can stop it; it stays so until we say otherwise, also after
they did (https://docs.slack.dev/reference/events/agent_session_stopped).
"""

from collections.abc import Callable

from adapters.slack.calls import Calls
from adapters.slack.lately import Lately
from adapters.slack.place import Spot, spot
from adapters.slack.tiers import PER_MINUTE, SESSION, STATUS, Tiers
from bridge.errors import BridgeError, Gone, Permanent, Transient, Unauthorised
from bridge.events import ChatRef
from bridge.logs import get

log = get(__name__)

THINKING, THINKING_ZH = "is thinking…", "正在思考…"  # Slack writes the app's name before it
PROCESSING, ACTIVE = "processing", "active"
_LASTS = 100.0  # seconds; a little less than Slack shows it
_REFUSED = 1800.0  # seconds until a workspace is asked again for what it did not have
_ANSWER = 3600.0  # seconds; longer than an answer takes


class Status:
    """Never raises a `BridgeError`: no sign of life is worth an answer."""

    def __init__(self, calls: Calls, tiers: Tiers, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._tiers = tiers
        self._shown: Lately[tuple[str, str], None] = Lately(_LASTS, clock=clock)
        self._unanswered: Lately[tuple[str, str], None] = Lately(_LASTS, clock=clock)
        self._languages: Lately[tuple[str, str], str] = Lately(_ANSWER, clock=clock)
        self._processing: Lately[tuple[str, str], None] = Lately(_ANSWER, clock=clock)
        # Workspaces or channels, and the method.
        self._refused: Lately[tuple[str, str], None] = Lately(_REFUSED, clock=clock)

    def asked_in(self, chat: ChatRef, language: str) -> None:
        """Remember the language (BCP 47) of who asked last; nobody's is English."""
        self._languages.put(_place(chat), language)

    async def show(self, chat: ChatRef) -> None:
        """Show that an answer is on its way; costs nothing while that is still shown."""
        there, place = spot(chat), _place(chat)
        if not there.thread or place in self._shown:
            return
        self._shown.put(place, None)
        self._unanswered.put(place, None)  # and so it stays for whoever is cancelled here
        is_chinese = (self._languages.get(place) or "").lower().startswith("zh")
        await self._try(there, STATUS, status=THINKING_ZH if is_chinese else THINKING)
        if place in self._shown:
            self._unanswered.pop(place)
        await self.clear(chat)
        # Half is kept, so that each session can be set at rest.
        if self._tiers.spare(there.team, SESSION) > PER_MINUTE[SESSION] // 2:
            await self._set(chat, there, PROCESSING)

    async def clear(self, chat: ChatRef) -> None:
        """Take away what Slack may have shown after the message that takes it away.

        While it stands, nobody can write in that thread.
        """
        if _place(chat) in self._unanswered:
            self._unanswered.pop(_place(chat))
            await self._try(spot(chat), STATUS, status="")

    def vanished(self, chat: ChatRef) -> None:
        """A message was posted there."""
        self._shown.pop(_place(chat))

    def rested(self, chat: ChatRef) -> None:
        """The session was set at rest by another call."""
        self._processing.pop(_place(chat))

    def taken_up(self, chat: ChatRef) -> None:
        """There may be a Stop button which we did not make, or not in this run."""
        self._processing.put(_place(chat), None)

    def is_processing(self, chat: ChatRef) -> bool:
        return _place(chat) in self._processing

    async def rest(self, chat: ChatRef) -> None:
        """Take the Stop button away, if there is one."""
        await self.clear(chat)
        if self.is_processing(chat):
            await self._set(chat, spot(chat), ACTIVE)

    async def _set(self, chat: ChatRef, there: Spot, status: str) -> None:
        if status == PROCESSING:  # at once: whoever is cancelled does not learn what became of it
            self._processing.put(_place(chat), None)
        happened = await self._try(there, SESSION, status=status)
        if not happened or status == ACTIVE:
            self._processing.pop(_place(chat))

    async def _try(self, there: Spot, method: str, **args: str) -> bool:
        """Tell whether it may have worked.

        An app that lacks a scope or the feature is not asked again.
        """
        if (there.team, method) in self._refused or (there.channel, method) in self._refused:
            return False
        try:
            await self._calls.make(
                there, method, channel_id=there.channel, thread_ts=there.thread, **args
            )
        except BridgeError as error:
            if isinstance(error, Permanent) and not isinstance(error, Gone):
                everywhere = isinstance(error, Unauthorised) or error.code == "unknown_method"
                self._refused.put((there.team if everywhere else there.channel, method), None)
            log.debug("status.failed", method=method, error=str(error))
            return isinstance(error, Transient) and error.happened
        return True


def _place(chat: ChatRef) -> tuple[str, str]:
    return chat.chat, chat.thread
