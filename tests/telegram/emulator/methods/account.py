"""The bot itself: getMe, its commands, logOut and close."""

from tests.telegram.emulator.ask import Ask, Handler
from tests.telegram.emulator.errors import too_many
from tests.telegram.emulator.inbox import Json

SETTLING = 600  # seconds after its start in which a server refuses to close


async def get_me(ask: Ask) -> Json:
    emulator = ask.emulator
    return emulator.bot.shown() | {
        "can_join_groups": True,
        "can_read_all_group_messages": not emulator.privacy,
        "supports_inline_queries": False,
        "can_connect_to_business": True,
        "has_main_web_app": False,
        "has_topics_enabled": emulator.has_topics,
        "allows_users_to_create_topics": emulator.has_topics,
    }


async def log_out(ask: Ask) -> bool:
    """From now on the bot is somewhere else."""
    ask.emulator.logged_out = True
    return True


async def close(ask: Ask) -> bool:
    """Refused for ten minutes, as the real one is after each start."""
    raise too_many(SETTLING)


async def set_my_commands(ask: Ask) -> bool:
    params = ask.params
    ask.emulator.commands.set(
        params.fields("scope"), params.text("language_code"), params.items("commands")
    )
    return True


async def get_my_commands(ask: Ask) -> list[Json]:
    lists = ask.emulator.commands
    found = lists.get(ask.params.fields("scope"), ask.params.text("language_code"))
    return [command.shown() for command in found]


async def delete_my_commands(ask: Ask) -> bool:
    ask.emulator.commands.delete(ask.params.fields("scope"), ask.params.text("language_code"))
    return True


METHODS: dict[str, Handler] = {
    "getMe": get_me,
    "logOut": log_out,
    "close": close,
    "setMyCommands": set_my_commands,
    "getMyCommands": get_my_commands,
    "deleteMyCommands": delete_my_commands,
}
