"""Asking whether a bridge runs here and how it is, as a load balancer would; or could run."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from errno import EACCES, EADDRINUSE

import aiohttp

from bridge.config import ServerSettings

PATIENCE = 3.0  # seconds
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, not bound


@dataclass(frozen=True, slots=True)
class Answer:
    """What answers at the server's address.

    is_bridge: it is one of ours. problems: what it complains of, by part.
    """

    url: str
    is_bridge: bool
    problems: Mapping[str, str] = field(default_factory=dict)


async def readiness(server: ServerSettings) -> Answer | None:
    """Ask `/readyz`. None if nobody listens there, or nobody can know where."""
    if not server.port:
        return None
    host = _EVERYWHERE.get(server.host, server.host)
    url = f"http://{f'[{host}]' if ':' in host else host}:{server.port}"
    timeout = aiohttp.ClientTimeout(total=PATIENCE, sock_connect=PATIENCE / 2)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{url}/readyz", allow_redirects=False) as response,
        ):
            return _answer(url, await response.text(errors="replace"))
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
        return None
    except (aiohttp.ClientError, TimeoutError, ValueError):
        return Answer(url, is_bridge=False)


def trouble_listening(server: ServerSettings) -> str:
    """Why nobody could listen there just now, naming the key; empty if one could."""
    try:
        found = socket.getaddrinfo(
            server.host or None, server.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        for family, kind, protocol, _, address in found:
            with socket.socket(family, kind, protocol) as probe:
                # As the server does: what an earlier process has left behind does not matter.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen()
    except OSError as error:
        return cannot_listen(server, error)
    return ""


def cannot_listen(server: ServerSettings, error: OSError) -> str:
    """Say why, and what to change."""
    where = f"{server.host}:{server.port}"
    if error.errno == EADDRINUSE:
        key, cure = "server.port", "choose another port, or stop the program that has this one"
    elif error.errno == EACCES:
        key, cure = "server.port", "choose one from 1024 up, and let a proxy have this one"
    else:
        key, cure = "server.host", "127.0.0.1 is this machine alone, 0.0.0.0 all of its addresses"
    # Names that do not resolve have numbers of their own; asyncio tells the rest at great length.
    why = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
    return f"{key}: cannot listen on {where}: {why}; {cure}"


def port_is_taken(port: int) -> OSError:
    """Say it to somebody who gave, or left out, `--port`."""
    return OSError(EADDRINUSE, f"port {port} is taken; choose another with --port")


def _answer(url: str, body: str) -> Answer:
    try:
        told = json.loads(body)
    except ValueError:
        return Answer(url, is_bridge=False)
    if not isinstance(told, dict) or "ready" not in told:
        return Answer(url, is_bridge=False)
    problems = told.get("problems")
    found = problems if isinstance(problems, dict) else {}
    return Answer(url, is_bridge=True, problems={str(k): str(v) for k, v in found.items()})
