"""What stands in the way on Telegram's side, for `coze-bridge check`.

Nothing is acknowledged: a poll without an offset hands updates out without confirming them.
"""

import time
from collections.abc import Awaitable, Callable, Iterator
from urllib.parse import urlsplit

from adapters.telegram.bots import JSONDict, RawBot, make_bot
from adapters.telegram.faults import as_bridge_errors
from adapters.telegram.polling import CONFLICT
from adapters.telegram.raw import number
from adapters.telegram.settings import TelegramSettings
from adapters.telegram.webhook import RECENT
from bridge.errors import BridgeError, RateLimited, Transient, Unauthorised
from bridge.foreign import text
from bridge.logs import redact
from bridge.platform import Finding, Surroundings

WATCH = 6.0
"""Seconds to poll, to meet another program that does: the later poll ends the earlier one, and
whoever was ended comes back. A bridge does after five seconds."""

_PORTS = (443, 80, 88, 8443)


async def examine(
    account: str, settings: TelegramSettings, around: Surroundings, *, watch: float = WATCH
) -> list[Finding]:
    """Look at the bot, its webhook, and who else receives its updates."""
    bot = make_bot(settings, connections=2)
    key = f"adapters.{account}"
    try:
        me = await _asked(bot.call, "getMe")
        webhook = await _asked(bot.call, "getWebhookInfo")
        found = [
            Finding("ok", f"{key}: @{text(me.get('username'))} on {_host(settings)}"),
            *_groups(key, me),
            *_webhook(key, settings, around, webhook, f"telegram/{account}"),
        ]
        if not text(webhook.get("url")) and settings.mode == "polling" and not around.is_running:
            found += await _rival(key, bot, watch)
        return found
    except Unauthorised as error:
        cure = "copy it from @BotFather again (/mybots, API Token)"
        return [Finding("wrong", f"{key}.token: {error}; {cure}")]
    except RateLimited as error:
        unseen = f"{error}, so nobody could see; check again in a minute"
        return [Finding("note", f"{key}: {unseen}")]
    except Transient as error:
        cure = f"is api_base_url right ({settings.api_base_url}), and may this machine reach it?"
        return [Finding("wrong", f"{key}: {error}; {cure}")]
    finally:
        await bot.release()


async def _asked(call: Callable[[str], Awaitable[JSONDict]], method: str) -> JSONDict:
    with as_bridge_errors():
        return await call(method)


def _host(settings: TelegramSettings) -> str:
    return urlsplit(settings.api_base_url).netloc


def _groups(key: str, me: JSONDict) -> Iterator[Finding]:
    """What the bot hears in groups; nobody but its owner knows whether that is as it should be."""
    if me.get("can_join_groups") is False:
        cure = "if it should, @BotFather: /setjoingroups"
        yield Finding("note", f"{key}: the bot cannot be added to groups; {cure}")
    elif me.get("can_read_all_group_messages") is False:
        hears = "in groups it hears only mentions of it, replies to it and commands"
        cure = "if that is too little, @BotFather: /setprivacy, then add it to the group again"
        yield Finding("note", f"{key}: privacy mode is on: {hears}; {cure}")


def _webhook(
    key: str, settings: TelegramSettings, around: Surroundings, info: JSONDict, path: str
) -> Iterator[Finding]:
    url = redact(text(info.get("url")))  # many a webhook has the token in its path
    if settings.mode == "polling":
        if url:
            cure = (
                '`coze-bridge run` removes it; stop whoever has set it, or choose mode = "webhook"'
            )
            yield Finding("wrong", f"{key}: a webhook is set, so messages go to {url}; {cure}")
        return
    wanted = f"{around.public_url.rstrip('/')}/{path}"
    if wrong := _unusable(settings, wanted):
        yield Finding("wrong", f"server.public_url: {wrong}")
    elif not url:
        if around.is_running:
            yield Finding("wrong", f"{key}: no webhook is set; restart the bridge, which sets it")
        else:
            yield Finding("ok", f"{key}: `coze-bridge run` will set the webhook {wanted}")
    elif url != wanted:
        cure = f"`coze-bridge run` sets {wanted}; stop whoever has set the other"
        yield Finding("wrong", f"{key}: the webhook leads to {url}; {cure}")
    else:
        yield from _deliveries(key, info)


def _unusable(settings: TelegramSettings, url: str) -> str:
    """Why Telegram would not deliver there; a server of one's own, with --local, is not choosy.

    https://core.telegram.org/bots/api#setwebhook
    """
    parts = urlsplit(url)
    if settings.local_files:
        return ""
    if parts.scheme != "https":
        return "Telegram delivers to https:// only; put TLS in front of the bridge"
    if parts.port not in {None, *_PORTS}:
        ports = "443, 80, 88 and 8443"
        return f"Telegram delivers to the ports {ports} only; choose one of them"
    return ""


def _deliveries(key: str, info: JSONDict) -> Iterator[Finding]:
    """How Telegram fares with our webhook."""
    told, waiting = text(info.get("last_error_message")), number(info.get("pending_update_count"))
    recent = time.time() - number(info.get("last_error_date")) < RECENT
    if told and (recent or waiting):
        cure = "can Telegram reach server.public_url, and is its certificate valid?"
        yield Finding("wrong", f"{key}: Telegram reports: {told} ({waiting} waiting); {cure}")
    else:
        yield Finding("ok", f"{key}: the webhook is set ({waiting} waiting)")


async def _rival(key: str, bot: RawBot, watch: float) -> list[Finding]:
    """See whether somebody ends our poll. One with updates in it ends at once, unconfirmed."""
    asked: JSONDict = {"timeout": round(watch), "limit": 1}
    try:
        with as_bridge_errors():
            await bot.raw_updates(asked, read_timeout=watch + 5)
    except BridgeError as error:
        if error.code != 409:
            raise
        return [Finding("wrong", f"{key}: {CONFLICT}")]
    return []
