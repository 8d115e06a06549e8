"""The small dialogue that asks why an answer was no good, and what comes of it. Pure.

https://docs.slack.dev/surfaces/modals; only a press opens one, and within three seconds.
"""

import json
from dataclasses import astuple, dataclass

from adapters.slack.blocks import Block
from bridge.foreign import Json, fields, text

CALLBACK = "feedback/why"
LONGEST = 1_000  # characters of a reason
_INPUT = "why"
_TITLE, _TITLE_ZH = "Thank you", "谢谢"
_LABEL, _LABEL_ZH = "What was wrong with the answer?", "这个回答哪里不好？"
_SEND, _SEND_ZH = "Send", "发送"
_CLOSE, _CLOSE_ZH = "Close", "关闭"


@dataclass(frozen=True, slots=True)
class About:
    """The answer that was rated. thread: empty outside of threads."""

    team: str
    channel: str
    thread: str
    message: str


def dialogue(about: About, language: str) -> Block:
    """A view for `views.open`. language: the reader's (BCP 47), empty if nobody knows."""
    is_chinese = language.lower().startswith("zh")
    title, label, send, close = (
        (_TITLE_ZH, _LABEL_ZH, _SEND_ZH, _CLOSE_ZH)
        if is_chinese
        else (_TITLE, _LABEL, _SEND, _CLOSE)
    )
    answer = {
        "type": "plain_text_input",
        "action_id": _INPUT,
        "multiline": True,
        "max_length": LONGEST,
    }
    return {
        "type": "modal",
        "callback_id": CALLBACK,
        "private_metadata": json.dumps(astuple(about)),
        "title": _plain(title),
        "submit": _plain(send),
        "close": _plain(close),
        "blocks": [
            {"type": "input", "block_id": _INPUT, "label": _plain(label), "element": answer}
        ],
    }


def _plain(words: str) -> Block:
    return {"type": "plain_text", "text": words}


def reason(payload: Json) -> tuple[About, str] | None:
    """Read a `view_submission`; None for one that is none of ours."""
    view = fields(payload.get("view"))
    if view.get("callback_id") != CALLBACK:
        return None
    try:
        about = About(*map(text, json.loads(text(view.get("private_metadata")))))
    except (ValueError, TypeError):
        return None
    values = fields(fields(view.get("state")).get("values"))
    said = text(fields(fields(values.get(_INPUT)).get(_INPUT)).get("value"))
    return (about, " ".join(said.split())) if about.channel else None
