"""What is shown around a conversation: prompts to begin with, and its title.

Nobody waits for it, and where Slack wants none of it the conversation goes on all the same.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

from adapters.slack.faults import as_bridge_errors
from adapters.slack.lately import Lately
from adapters.slack.workspaces import Workspace
from bridge.errors import BridgeError, Permanent, RateLimited
from bridge.logs import get

log = get(__name__)

LONGEST_TITLE = 200  # characters; docs.slack.dev/reference/methods/agents.sessions.setStatus
AT_ONCE = 50  # calls under way; what is beyond is left out
_REFUSED = 1800.0  # seconds until a workspace is asked again for what it did not have
_PANE = 86_400.0  # seconds an empty pane is remembered

_Call: TypeAlias = Callable[[], Awaitable[object]]


class Courtesy:
    """Of one account. prompts: what to begin with, as somebody would type it."""

    def __init__(self, prompts: Sequence[str]) -> None:
        self._prompts = [{"title": prompt, "message": prompt} for prompt in prompts]
        self._panes: Lately[tuple[str, str], None] = Lately(_PANE)
        self._unwanted: Lately[tuple[str, str], None] = Lately(_REFUSED)  # by workspace
        self._quiet_until: dict[tuple[str, str], float] = {}  # likewise; seconds, monotonic
        self._calls: set[asyncio.Task[None]] = set()

    def welcome(self, workspace: Workspace, channel: str, thread: str) -> None:
        """Suggest prompts to somebody who looks at an empty conversation."""
        if thread:
            self._panes.put((channel, thread), None)
        if not self._prompts:
            return

        async def call() -> None:
            await workspace.client.assistant_threads_setSuggestedPrompts(
                channel_id=channel, thread_ts=thread or None, prompts=self._prompts
            )

        self._soon("prompts", workspace, call)

    def entitle(self, workspace: Workspace, channel: str, thread: str, question: str) -> None:
        """Call a conversation after its first question."""
        title = " ".join(question.split())[:LONGEST_TITLE]
        if not title:
            return

        async def call() -> None:
            await workspace.client.assistant_threads_setTitle(
                channel_id=channel, thread_ts=thread, title=title
            )

        self._soon("title", workspace, call)

    def is_new_pane(self, channel: str, thread: str) -> bool:
        """Tell, once, whether a thread is a pane of the older assistant's, and still empty."""
        new = (channel, thread) in self._panes
        self._panes.pop((channel, thread))
        return new

    def _soon(self, what: str, workspace: Workspace, call: _Call) -> None:
        if not self._is_welcome(workspace.team, what) or len(self._calls) >= AT_ONCE:
            return
        task = asyncio.create_task(self._try(what, workspace, call), name=what)
        self._calls.add(task)
        task.add_done_callback(self._calls.discard)

    def _is_welcome(self, team: str, what: str) -> bool:
        quiet = time.monotonic() < self._quiet_until.get((team, what), 0.0)
        return not quiet and (team, what) not in self._unwanted

    async def _try(self, what: str, workspace: Workspace, call: _Call) -> None:
        try:
            with as_bridge_errors():
                await call()
        except Permanent as error:
            # An app without an agent's view has neither.
            self._unwanted.put((workspace.team, what), None)
            log.info("courtesy.refused", what=what, team=workspace.team, error=str(error))
        except RateLimited as error:
            wait = error.retry_after or 0.0
            self._quiet_until[workspace.team, what] = time.monotonic() + wait
        except BridgeError as error:
            log.debug("courtesy.failed", what=what, team=workspace.team, error=str(error))

    async def close(self) -> None:
        """Leave out what is under way."""
        calls = list(self._calls)
        for task in calls:
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
