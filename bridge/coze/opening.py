"""From the settings to an open client and its agents: which credentials, and who closes them."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

from bridge.config import AgentSettings, CozeSettings
from bridge.coze.agent import CozeAgent
from bridge.coze.auth import Credentials, Pat
from bridge.coze.chatflow import Chatflow
from bridge.coze.client import CozeClient
from bridge.coze.transport import ClientSettings
from bridge.upstream import Agent


@asynccontextmanager
async def open_credentials(coze: CozeSettings) -> AsyncIterator[Credentials]:
    """Open what the settings say we are. Raises `Misconfigured` for a key that is none."""
    if coze.oauth is None:
        yield Pat(coze.token.get_secret_value())
        return
    # Only here is it needed, and it loads all of cryptography.
    from bridge.coze.oauth import OAuth, ServiceKey  # noqa: PLC0415 - see above

    app = coze.oauth
    key = ServiceKey.read(app.client_id, app.public_key_id, app.private_key.get_secret_value())
    settings = client_settings(coze)
    async with aclosing(OAuth(coze.base_url, key, settings, per_user=app.per_user)) as service:
        yield service


@asynccontextmanager
async def open_client(coze: CozeSettings) -> AsyncIterator[CozeClient]:
    """Open the client of one daemon. Raises `Misconfigured`."""
    async with (
        open_credentials(coze) as credentials,
        CozeClient(coze.base_url, credentials, client_settings(coze)) as client,
    ):
        yield client


def client_settings(coze: CozeSettings) -> ClientSettings:
    """Pick what concerns the client."""
    return ClientSettings(
        connect_timeout=coze.connect_timeout,
        idle_timeout=coze.idle_timeout,
        max_concurrent_turns=coze.max_concurrent_turns,
    )


def agent(client: CozeClient, its: AgentSettings) -> Agent:
    """Make what a table of the configuration describes: a bot, or a chatflow."""
    if its.workflow_id:
        return Chatflow(
            client,
            workflow_id=its.workflow_id,
            app_id=its.app_id,
            connector_id=its.connector_id,
        )
    return CozeAgent(client, bot_id=its.bot_id, connector_id=its.connector_id)
