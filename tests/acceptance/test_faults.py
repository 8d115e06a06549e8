"""Every fault the emulator knows by name: what the user saw in the end, how often Coze was asked.

All of them happen at once, each in a chat of its own, in one bridge with short timeouts; once
for a bot, and once for a chatflow, which makes no difference to anybody who chats.
"""

import asyncio
import re
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from daemon_process import agent, answer_to, eventually

from bridge.app import Bridge, utcnow, wire
from bridge.config import AgentSettings, CozeSettings, ServerSettings, SessionSettings, Settings
from bridge.coze import ClientSettings, CozeClient, Pat
from bridge.coze import agent as agent_of
from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    FAULTS,
    Emulator,
    Scenario,
    serve,
)
from bridge.engine.works import works
from bridge.host import StoreHost
from bridge.published import Published
from bridge.store import open_store
from bridge.testing.loopback import Loopback
from bridge.testing.loopback_adapter import LoopbackAdapter
from bridge.testing.loopback_settings import LoopbackSettings

IDLE = 0.8  # seconds of silence inside a stream
LONGEST = 10.0  # seconds for one answer
PATIENCE = 100.0  # seconds for all of them together

SORRY = "Sorry, something went wrong with this answer. (Reference {ref})"
REFUSED = "Sorry, the agent cannot answer this. (Reference {ref})"
EXHAUSTED = "Sorry, the agent has used up what it may answer for now. (Reference {ref})"
UNREACHABLE = "Sorry, the agent cannot be reached at the moment. (Reference {ref})"
FIVE_WORDS = "About {name}: one two three"


@dataclass(frozen=True)
class Seen:
    """text: what stands in the chat, with {answer}, {name} and {ref}. asked: accepted by Coze.

    buttons: what they say, with {ref}.
    """

    text: str
    asked: int = 1
    buttons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of agent, and where its questions arrive at Coze."""

    endpoint: str
    settings: AgentSettings


KINDS = {
    "bot": Kind("/v3/chat", AgentSettings(bot_id=DEMO_BOT_ID)),
    "chatflow": Kind(
        "/v1/workflows/chat", AgentSettings(workflow_id=DEMO_WORKFLOW_ID, app_id=DEMO_APP_ID)
    ),
}

WHOLE = Seen("{answer}")
NO_TOOL = (
    'Thank you, the tool says: {"error": {"kind": "unknown_tool", '
    '"message": "there is no tool get_rain_probability"}}'
)
PRELUDES = {"unknown_conversation": "hello"}
"""Said and answered first: only a conversation that was there can be lost."""

NOTHING = Seen("", asked=0)
"""Only the operator can help: the message waits, see test_trouble_at_coze.py."""


def never_asked(text: str) -> Seen:
    return replace(failed(text), asked=0)


def partly(apology: str) -> Seen:
    return replace(failed(apology), text=f"{FIVE_WORDS}\n\n{apology}")


def failed(apology: str) -> Seen:
    """What may go well another time can be tried again."""
    return Seen(apology, buttons=("/retry {ref}",) if apology in {SORRY, UNREACHABLE} else ())


EXPECTED = {
    # refused before the stream
    "bad_parameters": never_asked(SORRY),
    "unknown_conversation": WHOLE,  # in a new conversation
    "daily_limit": never_asked(EXHAUSTED),
    "system_busy": WHOLE,
    "prompt_too_long": never_asked(REFUSED),
    "quota": never_asked(EXHAUSTED),
    "model_error": WHOLE,
    "cannot_answer": never_asked(REFUSED),
    "unpublished": never_asked(SORRY),
    "rate_limited": WHOLE,
    "no_permission": NOTHING,
    "invalid_token": NOTHING,
    "internal": WHOLE,
    "internal_for_ever": never_asked(UNREACHABLE),
    "http_429": WHOLE,
    "http_500": WHOLE,
    "bad_gateway": WHOLE,
    "busy": WHOLE,
    # lost on the way
    "drop_unasked": WHOLE,
    "drop_asked": WHOLE,
    "drop_headers": WHOLE,
    "slow_headers": WHOLE,
    "slow_start": WHOLE,
    "cut": WHOLE,
    "cut_before_text": WHOLE,
    "cut_mid_frame": WHOLE,
    "cut_reset": WHOLE,
    "eof": WHOLE,
    "eof_after_text": WHOLE,
    "no_terminal": WHOLE,
    "stall": WHOLE,
    "pause": WHOLE,
    "hang": partly(UNREACHABLE),
    # how a turn ends
    "no_done": WHOLE,
    "unquoted_done": WHOLE,
    "stream_done": WHOLE,
    "unterminated": WHOLE,
    "failed": partly(UNREACHABLE),
    "failed_at_once": failed(UNREACHABLE),
    "error_event": partly(UNREACHABLE),
    "failed_unseen": partly(UNREACHABLE),
    "refused_content": Seen(REFUSED),
    "cancel_ends_stream": WHOLE,
    # what is said
    "reasoning": WHOLE,
    "several_answers": Seen("{answer}\n\nAnd this is a second message.\n\nAnd a third one."),
    "follow_ups": Seen("{answer}", buttons=("What else can you do?", "Why three?", "help")),
    "empty_deltas": WHOLE,
    "completed_differs": Seen("The chance is 50%, it's even."),
    "no_completed": WHOLE,
    "no_message_ids": WHOLE,
    "missing_fields": WHOLE,
    "null_fields": WHOLE,
    "late_audio": WHOLE,
    "silence": Seen("The agent had nothing to say."),
    "verbose": WHOLE,
    "knowledge": WHOLE,
    "tool_noise": WHOLE,
    "unknown_events": WHOLE,
    "tools": Seen(NO_TOOL),
    "needs_reply": Seen("Which city do you mean?"),
    # how objects and bytes look
    "skeleton_action": WHOLE,
    "null_error_code": WHOLE,
    "usage_zero": WHOLE,
    "usage_absent": WHOLE,
    "studio_spelling": WHOLE,
    "space": WHOLE,
    "crlf": WHOLE,
    "shuffled_keys": WHOLE,
    "raw_separators": Seen("one\u2028two\u2029three\u0085four"),
    "ping": WHOLE,
    "comments": WHOLE,
    "byte_by_byte": Seen("你好，世界 🌍 – naïve 👩‍👩‍👧"),
    "odd_cuts": Seen("你好，世界 🌍 – naïve 👩‍👩‍👧"),
    "ten_words": Seen("one two three four five six seven eight nine ten"),
}


@dataclass(frozen=True)
class Outcome:
    """What stood in one chat when everything was over, and what Coze had accepted."""

    messages: tuple[str, ...]
    buttons: tuple[str, ...]
    asked: int


def hurried(fault: Scenario) -> Scenario:
    """The same fault, where it lasts, with a Retry-After of 0: the backoff takes minutes."""
    if fault.refuse is None or fault.times is not None:
        return fault
    return replace(fault, refuse=replace(fault.refuse, retry_after=0))


async def suffer(folder: Path, kind: Kind) -> dict[str, Outcome]:
    """Let one person for each fault ask one question, all at once."""
    coze = Emulator(agent=agent, pace=0.01)
    for name, fault in FAULTS.items():
        coze.install(replace(hurried(fault), match=f"^{name}$", endpoint=kind.endpoint))
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(Loopback())
        await stack.enter_async_context(serve(coze))
        bridge = await bridge_between(platform, coze, folder, kind, stack)
        stop = asyncio.Event()
        running = asyncio.create_task(bridge.run(stop))
        for name in FAULTS:
            if name in PRELUDES:
                platform.say(name, PRELUDES[name])
            platform.say(name, name)
        talking = [name for name in FAULTS if EXPECTED.get(name) is not NOTHING]
        try:
            await eventually(
                lambda: all(platform.settled(name) and is_last(platform, name) for name in talking),
                within=PATIENCE,
            )
        finally:
            stop.set()
            await running
        return {name: outcome(platform, coze, name) for name in FAULTS}


async def bridge_between(
    platform: Loopback, coze: Emulator, folder: Path, kind: Kind, stack: AsyncExitStack
) -> Bridge:
    """Everything but the process; the adapter is not looked up, but handed in."""
    settings = Settings(
        coze=CozeSettings.model_validate({"token": DEMO_TOKEN, "turn_timeout": LONGEST}),
        agents={"default": kind.settings},
        adapters={"loopback": LoopbackSettings.model_validate({"url": platform.url})},
        sessions=SessionSettings(merge_window=0),
        server=ServerSettings(grace=0.1),
    )
    store = await open_store(f"sqlite:///{folder / 'coze-bridge.db'}")
    stack.push_async_callback(store.close)
    hurry = ClientSettings(idle_timeout=IDLE)
    client = await stack.enter_async_context(CozeClient(coze.url, Pat(DEMO_TOKEN), hurry))
    table = LoopbackSettings.model_validate({"url": platform.url})
    adapter = LoopbackAdapter(
        "loopback",
        table,
        StoreHost(store, platform="loopback", account="loopback", public_url="", now=utcnow),
    )
    await adapter.open()
    stack.push_async_callback(adapter.close)
    agents = {"default": agent_of(client, kind.settings)}
    shared = await stack.enter_async_context(works(settings.database.url, store, utcnow))
    return await wire(settings, store, agents, {"loopback": adapter}, Published(agents), shared)


def is_last(platform: Loopback, name: str) -> bool:
    return len(platform.in_chat(name)) == 1 + (name in PRELUDES)


def outcome(platform: Loopback, coze: Emulator, name: str) -> Outcome:
    messages = platform.in_chat(name)[name in PRELUDES :]
    return Outcome(
        messages=tuple(message.text for message in messages),
        buttons=tuple(says for message in messages for _, says in message.now.buttons),
        asked=sum(question.text == name for question in coze.asked),
    )


@pytest.fixture(scope="module", params=KINDS)
def outcomes(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> dict[str, Outcome]:
    """All of it, once for each kind of agent."""
    return asyncio.run(suffer(tmp_path_factory.mktemp("faults"), KINDS[request.param]))


def test_every_fault_has_its_row() -> None:
    assert set(EXPECTED) == set(FAULTS)


def test_references_are_all_different(outcomes: dict[str, Outcome]) -> None:
    references = re.findall(r"Reference (\d+)", str(outcomes))
    assert references
    assert len(references) == len(set(references))


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_what_the_user_saw(outcomes: dict[str, Outcome], name: str) -> None:
    expected, seen = EXPECTED[name], outcomes[name]
    text = expected.text.replace("{answer}", answer_to(name)).replace("{name}", name)
    pattern = re.escape(text).replace(re.escape("{ref}"), r"\d{5}")
    assert len(seen.messages) == bool(text)
    assert re.fullmatch(pattern, "".join(seen.messages)), seen
    assert seen.asked == expected.asked
    refs = re.findall(r"\(Reference (\d{5})\)", "".join(seen.messages))
    assert seen.buttons == tuple(each.format(ref="".join(refs)) for each in expected.buttons)
