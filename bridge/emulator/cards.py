"""The cards of question and input nodes, as coze-studio's server writes them. Pure."""

import json
from collections.abc import Sequence

_TEMPLATE = 7383997384420262000


def question_card(question: str, options: Sequence[str], *, workflow: bool) -> str:
    """Write what a question node with options asks; a chatflow draws it as well."""
    named = [{"name": option} for option in options]
    if not workflow:
        content = {"question": question, "options": named}
        return _json(_message("option", content))
    drawn = {"description": question, "list": [{"key": option} for option in options]}
    card = {"Title": question, "Options": named}
    return _drawing(drawn, {"card_type": "QUESTION", "question_card_data": card})


def input_card(fields: Sequence[str], *, workflow: bool) -> str:
    """Write what an input node wants to know."""
    wanted = [{"type": "string", "name": name, "required": True} for name in fields]
    if not workflow:
        return _json(_message("form_schema", _json(wanted)))
    return _drawing(wanted, {"card_type": "INPUT", "input_card_data": wanted})


def question_text(question: str, options: Sequence[str]) -> str:
    """Write the same for those who want no cards.

    ? in no source: how Coze writes options into a text.
    """
    lines = (f"{chr(ord('A') + place)}. {option}" for place, option in enumerate(options))
    return "\n".join((question, *lines))


def _message(kind: str, content: object) -> dict[str, object]:
    return {"type": "question", "content_type": kind, "content": content, "id": "node_0"}


def _drawing(value: object, info: object) -> str:
    """Write a card of a chatflow: how it is drawn, and beside that what it says."""
    data = {
        "elements": {
            "root": {"id": "root", "name": "Root", "type": "@flowpd/cici-components/PageContainer"},
            "mH5BNaFTl1": {
                "id": "mH5BNaFTl1",
                "name": "FlowpdCiciComponentsButton",
                "props": {"content": "Button", "message": {"value": "{{KPa0BqoODo_value}}"}},
            },
        },
        "rootID": "root",
        "variables": {"5fJt3qKpSz": {"id": "5fJt3qKpSz", "name": "list", "defaultValue": value}},
        "actions": {},
    }
    card = {
        "card_type": 3,
        "content_type": 50,
        "response_type": "card",
        "template_id": _TEMPLATE,
        "template_url": "",
        "data": _json(data),
        "x_properties": {"workflow_card_info": _json(info)},
    }
    return _json(card)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
