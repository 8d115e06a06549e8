"""Frames of a stream as Coze writes them, and the walk they become."""

import json

from bridge.coze.sse import Frame
from bridge.coze.telling import Telling
from bridge.upstream import (
    AnswerEvent,
    Failed,
    Started,
)

CHAT = "conversation.chat."
STARTED = Started("c1", "t1")


def frame(event: str, **data: object) -> Frame:
    return Frame(event, json.dumps(data))


def created(**data: object) -> Frame:
    return frame(CHAT + "created", **{"id": "t1", "conversation_id": "c1", **data})


def ended(how: str = "completed", **data: object) -> Frame:
    return frame(CHAT + how, **{"id": "t1", "conversation_id": "c1", "status": how, **data})


def delta(text: object, message_id: str | None = "m1", **data: object) -> Frame:
    return frame(
        "conversation.message.delta",
        **{"id": message_id, "role": "assistant", "type": "answer", "content": text, **data},
    )


def completed(text: object, message_id: str | None = "m1", **data: object) -> Frame:
    return frame(
        "conversation.message.completed",
        **{"id": message_id, "role": "assistant", "type": "answer", "content": text, **data},
    )


def verbose(msg_type: str, data: object = "") -> Frame:
    return completed(json.dumps({"msg_type": msg_type, "data": data}), "v1", type="verbose")


def walked(*frames: Frame) -> list[AnswerEvent]:
    walk = Telling("asked-in", "log-1")
    return [event for frame in frames for event in walk.take([frame])]


def failure(events: list[AnswerEvent]) -> Failed:
    assert isinstance(events[-1], Failed)
    return events[-1]
