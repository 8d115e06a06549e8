"""What became of a question, out of stored messages: pure.

Used after a stream was lost: the answer is looked up, never asked for again.
"""

from collections.abc import Container, Iterable, Sequence

from bridge.clean import clean
from bridge.coze.readable import options, readable
from bridge.coze.telling import ending
from bridge.coze.wire import Chat, Message, Status
from bridge.upstream import (
    MADE_UP,
    AnswerEvent,
    Finished,
    Outcome,
    Over,
    Running,
    Said,
    Spoken,
    Suggested,
    Trace,
)


def outcome(news: Chat, messages: Sequence[Message]) -> Outcome:
    """Combine a retrieved chat and its message list into what the stream would have told."""
    if not news.status.is_over:
        return Running()
    ordered = in_order(messages)
    answers = said(ordered)
    if news.status is not Status.COMPLETED:
        return Over((*answers, ending(news.status, news, offered(ordered))))
    return Over((*answers, Spoken(), *suggestions(ordered), Finished(news.usage)))


def in_order(messages: Sequence[Message]) -> list[Message]:
    """Sort a chat's messages by age: the list promises no order, and often is newest first.

    Ids settle what happened within one second: they grow with time.
    """
    return sorted(messages, key=lambda m: (m.created_at, len(m.id), m.id))


def said(messages: Iterable[Message], types: Container[str] = ("answer",)) -> tuple[Said, ...]:
    """Pick the answers; the last version of an id counts, in the place of the first."""
    found: dict[str, Said] = {}
    for news in messages:
        if news.type not in types:
            continue
        said_id = news.id or f"{MADE_UP}{len(found) + 1}"
        text = readable(news.content_type, news.content)
        if text or news.reasoning:
            found[said_id] = Said(said_id, text, clean(news.reasoning))
    return tuple(found.values())


def suggestions(messages: Sequence[Message]) -> list[AnswerEvent]:
    """Pick the suggested questions, each once; also what a card offers that nobody waits for."""
    texts = [clean(m.content).strip() for m in messages if m.type == "follow_up"]
    return [Suggested(text) for text in dict.fromkeys((*texts, *offered(messages))) if text]


def offered(messages: Sequence[Message]) -> tuple[str, ...]:
    """Pick what the last card offers as replies; messages: oldest first."""
    cards = (options(m) for m in reversed(messages) if m.type in ("answer", ""))
    return next((each for each in cards if each), ())


def turn_of(history: Sequence[Message], mark: str = "") -> list[Message] | None:
    """Cut one question and what answered it out of a conversation's history, oldest first.

    history: newest first, as conversation/message/list gives it for `order: desc`; it has
        questions and answers only, and its `type` and `chat_id` may be empty.
    mark: of the question; empty for the newest question with any mark, which is ours as long
        as one turn at a time runs in a conversation.
    """
    for place, news in enumerate(history):
        if news.mark and news.role != "assistant" and (not mark or news.mark == mark):
            return [news, *_answers_after(history[:place])]
    return None


def turn_in(history: Sequence[Message], chat_id: str) -> list[Message]:
    """Cut the turn of one chat out of a conversation's history, oldest first.

    Where no message tells its chat it is the newest turn, for one at a time runs there.
    """
    if any(news.chat_id for news in history):
        return [news for news in reversed(history) if news.chat_id == chat_id]
    for place, news in enumerate(history):
        if news.role == "user":
            return [news, *_answers_after(history[:place])]
    return []


def _answers_after(newer: Sequence[Message]) -> Iterable[Message]:
    for news in reversed(newer):
        if news.role == "user":
            return
        yield news


def trace_of(turn: Sequence[Message], conversation_id: str) -> Trace:
    """Name the chat of a turn, where any of its messages tells."""
    return Trace(conversation_id, next((m.chat_id for m in turn if m.chat_id), ""))


def outcome_without_chat(turn: Sequence[Message]) -> Outcome:
    """Judge a turn whose chat is unknown: it is over once the history has an answer to it."""
    answers = said((m for m in turn if m.role == "assistant"), types=("", "answer"))
    if not answers:
        return Running()
    return Over((*answers, Spoken(), *suggestions(turn), Finished(None)))
