"""What Slack refuses, and what breaks on the way, as what to do about it."""

import asyncio
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.faults import as_bridge_errors, translated
from adapters.slack.workspaces import make_client
from bridge.errors import (
    BridgeError,
    Departed,
    Gone,
    Permanent,
    RateLimited,
    Rejected,
    Transient,
    Unauthorised,
    Unreachable,
)
from tests.slack.emulator import BAD_GATEWAY, Drop, Emulator, Fault


@pytest.fixture
async def client(slack: Emulator) -> AsyncIterator[AsyncWebClient]:
    async with aiohttp.ClientSession() as session:
        yield make_client(SecretStr(slack.token), f"{slack.url}/api/", session)


async def error_of(client: AsyncWebClient) -> BridgeError:
    with pytest.raises(BridgeError) as caught, as_bridge_errors():
        await client.auth_test()
    return caught.value


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("invalid_auth", Unauthorised),
        ("missing_scope", Unauthorised),
        ("channel_not_found", Departed),
        ("is_archived", Departed),
        ("not_in_channel", Departed),
        ("no_permission", Departed),
        ("thread_not_found", Departed),
        ("message_not_found", Gone),
        ("cant_update_message", Gone),
        ("edit_window_closed", Gone),
        ("invalid_blocks", Rejected),
        ("msg_too_long", Rejected),
        ("msg_blocks_too_long", Rejected),
        ("internal_error", Unreachable),
        ("team_added_to_org", Unreachable),
        ("org_login_required", Unreachable),
        ("external_channel_migrating", Unreachable),
        ("message_not_in_streaming_state", Permanent),
        ("something_new", Permanent),
    ],
)
def test_refusal_is_named_by_what_to_do(word: str, kind: type[BridgeError]) -> None:
    error = translated(SlackApiError("no", {"ok": False, "error": word}))
    assert (type(error), error.code) == (kind, word)


async def test_retry_after_is_told(client: AsyncWebClient, slack: Emulator) -> None:
    slack.inject(Fault("auth.test", retry_after=7))
    error = await error_of(client)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 7.0


@pytest.mark.parametrize(
    ("fault", "happened"),
    [
        (Fault(error="fatal_error"), True),
        (Fault(code=503), True),
        (Fault(html=BAD_GATEWAY, code=502), True),
        (Fault(html="<html>", code=200), True),
        (Fault(drop=Drop.BEFORE), True),
        (Fault(drop=Drop.AFTER), True),
        (Fault(error="team_added_to_org"), False),
    ],
)
async def test_trouble_passes(
    client: AsyncWebClient, slack: Emulator, fault: Fault, happened: bool
) -> None:
    slack.inject(fault)
    error = await error_of(client)
    assert isinstance(error, Transient)
    assert error.happened is happened


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"the proxy says hello", "text/plain"),
        (b"[1]", "application/json"),
        (b"null", "application/json"),
        (b"{", "application/json"),
        (b"\xff\xfe", "application/json"),
    ],
)
async def test_answer_that_is_none_may_have_happened(body: bytes, kind: str) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=body, content_type=kind)

    app = web.Application()
    app.router.add_post("/api/auth.test", answer)
    async with TestServer(app) as server, aiohttp.ClientSession() as session:
        error = await error_of(make_client(None, str(server.make_url("/api/")), session))
    assert isinstance(error, Unreachable)
    assert error.happened


async def test_no_answer_in_time_may_have_happened(client: AsyncWebClient, slack: Emulator) -> None:
    gate = slack.hold("auth.test")
    with pytest.raises(Unreachable) as caught, as_bridge_errors():
        async with asyncio.timeout(0.05):
            await client.auth_test()
    gate.open()
    assert caught.value.happened


async def test_refused_connection_has_carried_nothing() -> None:
    async with aiohttp.ClientSession() as session:
        error = await error_of(make_client(None, "http://127.0.0.1:9/api/", session))
    assert isinstance(error, Unreachable)
    assert not error.happened


async def test_error_tells_no_token(client: AsyncWebClient, slack: Emulator) -> None:
    slack.inject(Fault(error="something_new"))
    assert slack.token not in str(await error_of(client))
