"""Bolt between the wire and the intake.

Bolt checks signatures, knows which events are our own, and reads what is forms and what is
JSON. It would acknowledge an event first and hand it on afterwards; here a middleware, which
runs after the checks and before any acknowledgement, commits it, and nothing comes after.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.context.async_context import AsyncBoltContext
from slack_bolt.middleware.async_middleware import AsyncMiddleware
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.queue import Queue, Ticket
from adapters.slack.receive import Intake, happened, home, is_revocation, kind
from adapters.slack.workspaces import Workspace, Workspaces
from bridge.errors import BridgeError, Departed
from bridge.logs import get

log = get(__name__)

PATIENCE = 25.0  # seconds for one delivery; Slack gave up long before, and delivers again
_TICKET, _WORKSPACE = "bridge_ticket", "bridge_workspace"

Next = Callable[[], Awaitable[BoltResponse]]


class Gate:
    """Everything one account is told comes through here. secret: what requests are signed with."""

    def __init__(
        self,
        account: str,
        workspaces: Workspaces,
        intake: Intake,
        client: AsyncWebClient,
        *,
        secret: str,
        patience: float = PATIENCE,
    ) -> None:
        self._account = account
        self._patience = patience
        logger = logging.getLogger("slack_bolt")
        logger.setLevel(logging.WARNING)  # below, it logs what people wrote
        self._app = AsyncApp(
            name="coze-bridge",
            logger=logger,
            client=client,
            signing_secret=secret,
            before_authorize=_Arrival(Queue(), workspaces),
            authorize=_authorize,
        )
        self._app.use(_Commit(intake))
        self._app.error(self._failed)

    async def deliver(self, request: AsyncBoltRequest) -> BoltResponse:
        """Take in one delivery. The answer is 200 only if it need not come again."""
        try:
            async with asyncio.timeout(self._patience):
                return await self._app.async_dispatch(request)
        except TimeoutError:
            log.error("delivery.not_committed", account=self._account, error="it took too long")
            return BoltResponse(status=503)
        except Exception:  # of Bolt's, which asks odd shapes for what they have not got
            log.exception("delivery.malformed", account=self._account, kind=kind(request.body))
            return BoltResponse(status=200)
        finally:
            ticket = request.context.get(_TICKET)
            if isinstance(ticket, Ticket):
                ticket.leave()

    async def _failed(self, error: Exception) -> BoltResponse:
        """Bolt's own failure: a delivery it cannot read now, it never will."""
        log.error("delivery.malformed", account=self._account, exc_info=error)
        return BoltResponse(status=200)


class _Arrival(AsyncMiddleware):
    """A place in the queue, before anything is waited for; then, who we are there."""

    def __init__(self, queue: Queue, workspaces: Workspaces) -> None:
        self._queue = queue
        self._workspaces = workspaces

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Next,  # noqa: A002  Bolt's name
    ) -> BoltResponse:
        if req.body.get("type") == "url_verification":  # asked by nobody in particular
            return await next()
        team, enterprise = home(req.body)
        whole = enterprise if req.context.is_enterprise_install else ""
        if is_revocation(req.body):
            return await self._revoked(team, whole)
        place = f"{team}/{req.context.channel_id or ''}"
        req.context[_TICKET] = self._queue.ticket(place, happened(req.body) or time.time())
        try:
            req.context[_WORKSPACE] = await self._workspaces.of(team, whole)
        except Departed as error:  # where nobody knows us, there is nobody to answer
            log.warning("delivery.from_elsewhere", team=team, error=str(error))
            return BoltResponse(status=200)
        except BridgeError as error:
            log.error("delivery.not_committed", team=team, error=str(error))
            return BoltResponse(status=503)
        except Exception:  # a bug of ours must not cost a message
            log.exception("delivery.not_committed", team=team)
            return BoltResponse(status=503)
        return await next()

    async def _revoked(self, team: str, enterprise: str) -> BoltResponse:
        try:
            await self._workspaces.revoked(team, enterprise)
        except BridgeError as error:
            log.error("delivery.not_committed", team=team, error=str(error))
            return BoltResponse(status=503)
        return BoltResponse(status=200)


async def _authorize(context: AsyncBoltContext) -> AuthorizeResult:
    """Tell Bolt who we are, by which it knows our own messages."""
    workspace: Workspace = context[_WORKSPACE]
    return AuthorizeResult(
        enterprise_id=workspace.enterprise or None,
        team_id=workspace.team or None,
        bot_user_id=workspace.bot_user,
        bot_id=workspace.bot,
        bot_token=workspace.client.token,
    )


class _Commit(AsyncMiddleware):
    """The end of the way: commit, then acknowledge."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def async_process(
        self,
        *,
        req: AsyncBoltRequest,
        resp: BoltResponse,
        next: Next,  # noqa: A002  Bolt's name
    ) -> BoltResponse:
        try:
            await self._intake.take(req.body, req.context[_WORKSPACE], req.context[_TICKET])
        except BridgeError as error:
            log.error("delivery.not_committed", kind=kind(req.body), error=str(error))
            return BoltResponse(status=503)
        except Exception:  # a bug of ours must not cost a message
            log.exception("delivery.not_committed", kind=kind(req.body))
            return BoltResponse(status=503)
        return BoltResponse(status=200)
