"""The only upstream HTTP: Coze's OpenAPI (`/v3/chat`, streamed), as a `bridge.upstream.Agent`."""

from bridge.coze.agent import CozeAgent
from bridge.coze.auth import Credentials, Pat
from bridge.coze.client import CozeClient
from bridge.coze.opening import open_client
from bridge.coze.transport import ClientSettings

__all__ = ["ClientSettings", "CozeAgent", "CozeClient", "Credentials", "Pat", "open_client"]
