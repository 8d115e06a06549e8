"""What is shown around an agent's answers: status, title, prompts, and the session's state."""

from tests.slack.emulator.ask import Ask, Method
from tests.slack.emulator.channels import Channel
from tests.slack.emulator.errors import Refused, bad
from tests.slack.emulator.params import Json

SESSION = ("processing", "active", "suspended", "closed")
LONGEST_TITLE = 200
MOST_PROMPTS = 4


async def set_status(ask: Ask) -> Json:
    channel, thread = _thread(ask)
    loading = ask.args.given("loading_messages") or []
    if not isinstance(loading, list) or len(loading) > 10:
        raise bad("no more than 10 items allowed [json-pointer:/loading_messages]")
    channel.set_status(thread, ask.args.text("status"), [str(each) for each in loading])
    ask.emulator.changed()
    return {}


async def set_title(ask: Ask) -> Json:
    channel, thread = _thread(ask)
    channel.titles[thread] = ask.args.needed("title")
    ask.emulator.changed()
    return {}


async def set_prompts(ask: Ask) -> Json:
    """Without a thread: those of the Messages tab, which only the newer view has."""
    channel = ask.channel("channel_id")
    prompts = ask.args.items("prompts")
    if not prompts or not all(prompt.get("title") and prompt.get("message") for prompt in prompts):
        raise bad("missing required field: title or message [json-pointer:/prompts]")
    if ask.emulator.view == "assistant" and not ask.args.text("thread_ts"):
        raise bad("missing required field: thread_ts")
    if len(prompts) > MOST_PROMPTS:
        raise bad(f"no more than {MOST_PROMPTS} items allowed [json-pointer:/prompts]")
    channel.prompts[ask.args.text("thread_ts")] = prompts
    ask.emulator.changed()
    return {}


def _thread(ask: Ask) -> tuple[Channel, str]:
    channel = ask.channel("channel_id", write=True)
    return channel, ask.args.needed("thread_ts")


async def session_status(ask: Ask) -> Json:
    """An app that does not listen for the Stop button is warned."""
    channel = ask.channel("channel_id", write=True)
    status = check_session(ask.args.text("status"), empty=False)
    if len(ask.args.text("title")) > LONGEST_TITLE:
        raise bad(f"must be less than {LONGEST_TITLE + 1} characters [json-pointer:/title]")
    thread = ask.args.text("thread_ts")
    set_session(channel, thread, status)
    if title := ask.args.text("title"):
        channel.titles[thread] = title
    ask.emulator.changed()
    if "agent_session_stopped" in ask.emulator.events.subscribed:
        return {}
    return {"warning": "missing_agent_session_stopped_event_subscription"}


def check_session(status: str, *, empty: bool) -> str:
    """Raises `Refused` for a state no session has."""
    if status not in SESSION and not (empty and not status):
        raise Refused("invalid_status")
    return status


def set_session(channel: Channel, thread: str, status: str) -> None:
    channel.sessions.setdefault(thread, []).append(status)


METHODS: dict[str, Method] = {
    "assistant.threads.setStatus": Method(set_status, ("chat:write", "assistant:write")),
    "assistant.threads.setTitle": Method(set_title, ("assistant:write",)),
    "assistant.threads.setSuggestedPrompts": Method(set_prompts, ("assistant:write",)),
    "agents.sessions.setStatus": Method(session_status, ("chat:write", "assistant:write")),
}
