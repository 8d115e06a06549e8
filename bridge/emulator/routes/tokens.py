"""The OAuth token endpoint: a signed assertion in, an access token out."""

import json
from typing import Literal

from aiohttp import web
from pydantic import BaseModel, ValidationError

from bridge.emulator.auth import OAuthRefused
from bridge.emulator.emulator import Emulator


class TokenBody(BaseModel):
    """Only assertions of OAuth JWT apps are known here. duration_seconds: at most 86399."""

    grant_type: Literal["urn:ietf:params:oauth:grant-type:jwt-bearer"]
    duration_seconds: int = 900


async def token(request: web.Request, emulator: Emulator, logid: str) -> web.Response:
    """Exchange. The reply has no envelope, and expires_in is a time, not a duration."""
    try:
        body = await _body(request)
        scheme, _, assertion = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not assertion:
            raise OAuthRefused("invalid_request", "Authorization: Bearer <JWT> is required", 401)
        given = emulator.keyring.exchange(assertion, body.duration_seconds, host=request.host)
    except OAuthRefused as error:
        return _refusal(error, logid)
    return web.json_response(
        {"access_token": given.token, "expires_in": given.expires_at, "token_type": "Bearer"},
        headers={"x-tt-logid": logid},
    )


async def _body(request: web.Request) -> TokenBody:
    raw = await request.read()
    try:
        return TokenBody.model_validate_json(raw or b"{}")
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in problem["loc"]) or "body"
        kind = "unsupported_grant_type" if where == "grant_type" else "invalid_request"
        raise OAuthRefused(kind, f"{where}: {problem['msg']}") from error


def _refusal(error: OAuthRefused, logid: str) -> web.Response:
    body = {
        "error_code": error.error,
        "error_message": error.message,
        "error": error.error,
    }
    return web.Response(
        text=json.dumps(body),
        status=error.status,
        content_type="application/json",
        headers={"x-tt-logid": logid},
    )
