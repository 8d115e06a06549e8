"""From a question to a chat that plays."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.emulator.answer import Answer, Memory
from bridge.emulator.bots import Variable
from bridge.emulator.emulator import Emulator
from bridge.emulator.frames import Frames
from bridge.emulator.performance import Performance
from bridge.emulator.question import EnterMessage, content
from bridge.emulator.scenario import Scenario, Trouble
from bridge.emulator.script import Plot, plot, resumption, script, without_tools
from bridge.emulator.shelves import Isolation
from bridge.emulator.state import (
    Chat,
    Conversation,
    Identity,
    Message,
    RefusedQuestion,
    Status,
    refused,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """A request to answer, already checked.

    product_id: the bot or app whose variables `known` are. kept: auto_save_history.
    """

    caller: Identity
    user_id: str
    bot_id: str
    product_id: str
    known: Sequence[Variable]
    messages: Sequence[EnterMessage]
    meta_data: Mapping[str, str]
    kept: bool = True
    workflow: bool = False

    @property
    def text(self) -> str:
        """What the user asks, files left out."""
        return content(self.messages[-1]).text if self.messages else ""


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
    memory = _memory(emulator, asking, conversation)
    text = asking.text or (memory.said[-1] if memory.said else "")
    chat = _new_chat(emulator, asking, conversation, scenario, text)
    if asking.kept:
        for message in asking.messages:
            meta = {**asking.meta_data, **(message.meta_data or {})}
            add_message(emulator, conversation, message, chat_id=chat.id, meta_data=meta)
    plan = _plan(emulator, scenario, text, memory)
    steps = script(plan, scenario, audio=chat.audio)
    frames = Frames(scenario.quirks, _dice(emulator, chat), space=chat.workflow)
    performance = Performance(chat, conversation, steps, frames, emulator.around)
    conversation.running = chat.id
    emulator.archive.chats[chat.id] = chat
    emulator.stage.start(performance)
    emulator.changed()
    return performance


def resume(emulator: Emulator, chat: Chat, outputs: Sequence[str]) -> Performance:
    """Go on with a chat whose tools have answered. Raises `Refused` 4016."""
    conversation = emulator.archive.conversation(chat.conversation_id, chat.owner)
    admit(emulator, conversation)
    scenario = without_tools(chat.scenario)
    if not scenario.speaks:
        scenario = replace(scenario, reply=f"Thank you, the tool says: {'; '.join(outputs)}")
    plan = _plan(emulator, scenario, chat.text, Memory(seed=emulator.seed))
    steps = resumption(plan, scenario, outputs)
    chat.calls = ()
    chat.status = Status.IN_PROGRESS
    conversation.running = chat.id
    frames = Frames(scenario.quirks, _dice(emulator, chat))
    performance = Performance(chat, conversation, steps, frames, emulator.around)
    emulator.stage.start(performance)
    return performance


def _memory(emulator: Emulator, asking: Asking, conversation: Conversation) -> Memory:
    before = [content(message).text for message in asking.messages[:-1] if message.role == "user"]
    whose = Isolation(asking.caller, asking.user_id, "1024", asking.product_id)
    values = emulator.variables.get(whose, asking.known)
    return Memory(
        said=(*emulator.archive.said(conversation), *before),
        variables={value.keyword: value.value for value in values},
        files=_files(emulator, asking),
        seed=emulator.seed,
    )


def _files(emulator: Emulator, asking: Asking) -> tuple[str, ...]:
    """Return the names of the files that came with the question; addresses as they are."""
    keys = [key for message in asking.messages for key in content(message).files]
    return tuple(
        emulator.files.get(asking.caller, key).name if key.isdigit() else key for key in keys
    )


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
        audio=last is not None and content(last).audio,
    )


def _plan(emulator: Emulator, scenario: Scenario, text: str, memory: Memory) -> Plot:
    answer = Answer("") if scenario.speaks else emulator.agent(text, memory)
    return plot(scenario, answer, emulator.pace, random.Random(f"{emulator.seed} {text}"))


def _dice(emulator: Emulator, chat: Chat) -> random.Random:
    return random.Random(f"{emulator.seed} {chat.id}")
