"""Agents as Coze describes them, and as it is told about them."""

import pytest

from bridge.agentfile.fields import Fields
from bridge.coze.bots import fields, update_body


def test_what_is_documented_is_read() -> None:
    assert fields(
        {
            "bot_id": "1",
            "name": "Chef",
            "description": "",
            "icon_url": "https://icons.example/1",
            "prompt_info": {"prompt": "Cook."},
            "onboarding_info": {"prologue": "Hi", "suggested_questions": ["a", "b"]},
            "knowledge": {"knowledge_infos": [{"id": "7", "name": "recipes"}]},
            "plugin_info_list": [
                {"plugin_id": "1", "api_info_list": [{"api_id": "2"}, {"api_id": 3}]},
                {"plugin_id": "4", "api_info_list": [{"api_id": "5"}]},
            ],
            "workflow_info_list": [{"id": "6", "name": "w"}],
            "model_info": {
                "model_id": "9",
                "model_name": "A model",
                "temperature": 1,
                "top_p": 0.699999988079071,
                "context_round": 30,
                "response_format": "text",
            },
        }
    ) == {
        "name": "Chef",
        "description": "",
        "prompt": "Cook.",
        "prologue": "Hi",
        "suggested_questions": ["a", "b"],
        "knowledge.dataset_ids": ["7"],
        "plugins": [
            {"plugin_id": "1", "api_id": "2"},
            {"plugin_id": "1", "api_id": "3"},
            {"plugin_id": "4", "api_id": "5"},
        ],
        "workflows": ["6"],
        "model.model_id": "9",
        "model.temperature": 1,
        "model.top_p": 0.699999988079071,
        "model.context_round": 30,
        "model.response_format": "text",
    }


@pytest.mark.parametrize(
    ("info", "found"),
    [
        ({}, {}),
        ({"name": None, "model_info": None, "plugin_info_list": None}, {}),
        ({"onboarding_info": {"prologue": "x"}}, {"prologue": "x", "suggested_questions": []}),
        ({"onboarding_info": {"suggested_questions": None}}, {"suggested_questions": []}),
        ({"knowledge": {"knowledge_infos": []}}, {"knowledge.dataset_ids": []}),
        (
            {"knowledge": {"dataset_ids": ["1", 2], "search_strategy": 7}},
            {"knowledge.dataset_ids": ["1", "2"]},
        ),
        ({"knowledge": {"search_strategy": 20}}, {"knowledge.search_strategy": "full-text"}),
        ({"suggest_reply_info": {"reply_mode": "sometimes"}}, {}),
        ({"suggest_reply_info": {"reply_mode": "disable"}}, {"suggestions.mode": "disable"}),
        ({"media_config": {"is_voice_call_closed": True}}, {"voice_calls": False}),
        ({"model_info": {"model_id": 9}}, {"model.model_id": "9"}),
        ({"model_info": {"temperature": 1.0}}, {}),  # no file could say that
        ({"model_info": {"model_id": "9", "top_k": "many"}}, {"model.model_id": "9"}),
        ({"model_info": {"model_id": "9", "cache_type": ""}}, {"model.model_id": "9"}),
        ({"workflow_info_list": [{"id": "6"}, None]}, {"workflows": ["6"]}),
        ({"name": "half \ud83d a character"}, {"name": "half \ufffd a character"}),
        ({"name": "x" * 25}, {"name": "x" * 25}),  # the next push tells
    ],
)
def test_what_is_missing_or_odd_is_unknown(info: dict[str, object], found: Fields) -> None:
    assert fields(info) == found


def test_body_has_the_documented_shape() -> None:
    assert update_body(
        {
            "name": "Chef",
            "prompt_mode": "prefix",
            "prefix_prompt": "p",
            "dynamic_prompt": "d",
            "prologue": "Hi",
            "suggested_questions": ["a"],
            "plugins": [{"plugin_id": "1", "api_id": "2"}],
            "workflows": ["3"],
            "voice_calls": False,
            "knowledge.dataset_ids": [],
            "knowledge.auto_call": False,
            "knowledge.search_strategy": "full-text",
            "model.model_id": "9",
            "model.parameters.thinking_type": "auto",
            "model.parameters.caching.type": "enabled",
            "model.parameters.store": True,
            "suggestions.mode": "customized",
            "suggestions.prompt": "s",
        }
    ) == {
        "name": "Chef",
        "prompt_info": {
            "prompt_mode": "prefix",
            "prefix_prompt_info": {"prefix_prompt": "p", "dynamic_prompt": "d"},
        },
        "onboarding_info": {"prologue": "Hi", "suggested_questions": ["a"]},
        "plugin_id_list": {"id_list": [{"plugin_id": "1", "api_id": "2"}]},
        "workflow_id_list": {"ids": [{"id": "3"}]},
        "media_config": {"is_voice_call_closed": True},
        "knowledge": {"dataset_ids": [], "auto_call": False, "search_strategy": 20},
        "model_info_config": {
            "model_id": "9",
            "parameters": {
                "thinking_type": "auto",
                "caching": {"type": "enabled"},
                "store": True,
            },
        },
        "suggest_reply_info": {"reply_mode": "customized", "customized_prompt": "s"},
    }
