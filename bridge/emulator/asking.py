"""From a question to a chat that plays."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bridge.emulator.answer import Result
from bridge.emulator.emulator import Emulator
from bridge.emulator.frames import Frames
from bridge.emulator.performance import Performance
from bridge.emulator.planning import plan_of
from bridge.emulator.question import EnterMessage, content
from bridge.emulator.remembering import memory_of
from bridge.emulator.request import Asking
from bridge.emulator.scenario import Scenario, ToolCall, Trouble
from bridge.emulator.script import later, resumption, script
from bridge.emulator.state import (
    Chat,
    Conversation,
    Identity,
    Message,
    RefusedQuestion,
    Status,
    refused,
)


def new_conversation(
    emulator: Emulator, owner: Identity, bot_id: str = "", connector_id: str = "1024"
) -> Conversation:
    """Open an empty conversation. Its first section has its own id."""
    now = int(emulator.clock())
    key = emulator.ids.next()
    conversation = Conversation(key, owner, bot_id, connector_id, "", {}, now, now, key)
    emulator.archive.conversations[key] = conversation
    return conversation


def add_message(
    emulator: Emulator,
    conversation: Conversation,
    entered: EnterMessage,
    *,
    chat_id: str = "",
    meta_data: Mapping[str, str] | None = None,
) -> Message:
    """Store a message. The first text of a user names a conversation without a name."""
    now = int(emulator.clock())
    message = Message(
        id=emulator.ids.next(),
        conversation_id=conversation.id,
        section_id=conversation.section_id,
        chat_id=chat_id,
        bot_id=conversation.bot_id,
        role=entered.role,
        type=entered.type or ("question" if entered.role == "user" else "answer"),
        content=entered.content or "",
        content_type=entered.content_type or "text",
        meta_data=dict(meta_data or entered.meta_data or {}),
        created_at=now,
        updated_at=now,
    )
    conversation.messages.append(message)
    conversation.updated_at = now
    if not conversation.name and entered.role == "user":
        conversation.name = content(entered).text[:100]
    return message


def admit(emulator: Emulator, conversation: Conversation) -> None:
    """Let a question in. Raises `Refused` 4016 while another one is being answered."""
    running = emulator.archive.chats.get(conversation.running)
    if running is not None and running.status.running:
        raise refused(4016, "The conversation already has a running chat")


def note_refusal(
    emulator: Emulator, asking: Asking, conversation_id: str, trouble: Trouble
) -> None:
    """Remember a question that got an error instead of a chat."""
    emulator.refused.append(
        RefusedQuestion(
            asking.text, asking.user_id, conversation_id, trouble.code, emulator.clock()
        )
    )
    emulator.changed()


def ask(
    emulator: Emulator, asking: Asking, conversation: Conversation, scenario: Scenario
) -> Performance:
    """Accept a question: store it, hear the agent, and begin to play its answer."""
    memory = memory_of(emulator, asking, conversation)
    text = asking.text or ("" if memory.sent else (*memory.said, "")[-1])
    chat = _new_chat(emulator, asking, conversation, scenario, text)
    chat.memory = memory
    if asking.kept:
        for message in asking.messages:
            meta = {**asking.meta_data, **(message.meta_data or {})}
            add_message(emulator, conversation, message, chat_id=chat.id, meta_data=meta)
    steps = script(plan_of(emulator, chat, scenario), scenario)
    frames = Frames(scenario.quirks, _dice(emulator, chat), space=chat.workflow)
    performance = Performance(chat, conversation, steps, frames, emulator.around)
    conversation.running = conversation.newest = chat.id
    emulator.archive.chats[chat.id] = chat
    emulator.stage.start(performance)
    emulator.changed()
    return performance


def resume(emulator: Emulator, chat: Chat, outputs: Sequence[str]) -> Performance:
    """Go on with a chat whose tools have answered. Raises `Refused` 4016."""
    conversation = emulator.archive.conversation(chat.conversation_id, chat.owner)
    admit(emulator, conversation)
    called = [ToolCall(call.name, call.arguments) for call in chat.calls]
    chat.results += tuple(map(Result, called, outputs))
    chat.memory = replace(chat.memory, results=chat.results)
    chat.steps += 1
    scenario = later(chat.scenario, chat.steps)
    if chat.scenario.tools and not scenario.speaks:
        scenario = replace(scenario, reply=f"Thank you, the tool says: {'; '.join(outputs)}")
    steps = resumption(plan_of(emulator, chat, scenario), scenario, outputs)
    chat.calls = ()
    chat.status = Status.IN_PROGRESS
    conversation.running = chat.id
    frames = Frames(scenario.quirks, _dice(emulator, chat))
    performance = Performance(chat, conversation, steps, frames, emulator.around)
    emulator.stage.start(performance)
    return performance


def _new_chat(
    emulator: Emulator,
    asking: Asking,
    conversation: Conversation,
    scenario: Scenario,
    text: str,
) -> Chat:
    last = asking.messages[-1] if asking.messages else None
    return Chat(
        id=emulator.ids.next(),
        conversation_id=conversation.id,
        section_id=conversation.section_id,
        bot_id=asking.bot_id,
        owner=asking.caller,
        user_id=asking.user_id,
        text=text,
        scenario=scenario,
        meta_data=asking.meta_data,
        message_meta_data=(last.meta_data or {}) if last else {},
        asked_at=emulator.clock(),
        kept=asking.kept,
        workflow=asking.workflow,
        files=asking.files,
        cards=asking.cards,
        extra=asking.extra,
    )


def _dice(emulator: Emulator, chat: Chat) -> random.Random:
    return random.Random(f"{emulator.seed} {chat.id}")
