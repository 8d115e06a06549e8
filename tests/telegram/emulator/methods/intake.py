"""How the bot gets its updates: polling, webhooks, and answers to pressed buttons."""

from tests.telegram.emulator.ask import Ask, Done, Handler
from tests.telegram.emulator.errors import TERMINATED_BY_WEBHOOK, WEBHOOK_IS_SET
from tests.telegram.emulator.inbox import MOST_AT_ONCE, Json
from tests.telegram.emulator.webhook import Address, check


async def get_updates(ask: Ask) -> list[Json]:
    emulator, params = ask.emulator, ask.params
    if emulator.webhook.is_set:
        raise WEBHOOK_IS_SET
    _allow(ask)
    limit = params.integer("limit") or MOST_AT_ONCE
    if not 1 <= limit <= MOST_AT_ONCE:
        limit = MOST_AT_ONCE
    offset, timeout = params.integer("offset") or 0, params.integer("timeout") or 0
    updates = await emulator.inbox.poll(offset, limit, timeout)
    return [update.body for update in updates]


def _allow(ask: Ask) -> None:
    """Not passed, the earlier setting stays."""
    if ask.params.given("allowed_updates") is not None:
        ask.emulator.inbox.allow(str(kind) for kind in ask.params.items("allowed_updates"))


async def set_webhook(ask: Ask) -> Done:
    emulator, params = ask.emulator, ask.params
    if not params.text("url"):
        return await delete_webhook(ask)
    connections = params.integer("max_connections") or 40
    address = check(
        Address(
            params.text("url"),
            params.text("secret_token"),
            min(max(connections, 1), 100),
            params.text("ip_address"),
        )
    )
    _allow(ask)
    if params.flag("drop_pending_updates"):
        emulator.inbox.clear()
    if address == emulator.webhook.address:
        return Done(True, "Webhook is already set")
    emulator.inbox.interrupt(TERMINATED_BY_WEBHOOK)
    emulator.webhook.set(address)
    return Done(True, "Webhook was set")


async def delete_webhook(ask: Ask) -> Done:
    webhook = ask.emulator.webhook
    if ask.params.flag("drop_pending_updates"):
        ask.emulator.inbox.clear()
    was_set = webhook.is_set
    webhook.set(Address())
    return Done(True, "Webhook was deleted" if was_set else "Webhook is already deleted")


async def get_webhook_info(ask: Ask) -> Json:
    return ask.emulator.webhook.info()


async def answer_callback_query(ask: Ask) -> bool:
    params = ask.params
    ask.emulator.callbacks.answer(
        params.text("callback_query_id"), params.text("text"), alert=params.flag("show_alert")
    )
    return True


METHODS: dict[str, Handler] = {
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "answerCallbackQuery": answer_callback_query,
}
