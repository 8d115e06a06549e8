"""The only upstream HTTP: Coze's OpenAPI, its agents as `bridge.upstream.Agent`."""

from bridge.lean import without

with without("click"):  # for the command line that httpx has where it is installed: 5 MB
    from bridge.coze.agent import CozeAgent
    from bridge.coze.auth import Credentials, Pat
    from bridge.coze.chatflow import Chatflow
    from bridge.coze.client import CozeClient
    from bridge.coze.opening import agent, open_client
    from bridge.coze.transport import ClientSettings

__all__ = [
    "Chatflow",
    "ClientSettings",
    "CozeAgent",
    "CozeClient",
    "Credentials",
    "Pat",
    "agent",
    "open_client",
]
