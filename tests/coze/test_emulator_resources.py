"""What the official SDK does not ask for: limits, versions, assertions and their misuse."""

import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from bridge.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKSPACE_ID,
    Emulator,
    OAuthApp,
    serve,
)

Json = dict[str, object]
KEY = RSAKey.generate_key(2048, private=True)
APP = OAuthApp("app-1", "fingerprint", KEY.as_pem(private=False).decode())
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass
class Clock:
    """Seconds since 1970, as far as the emulator knows."""

    now: float = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True)
class Caller:
    emulator: Emulator
    clock: Clock
    http: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, payload: object = None, token: str = DEMO_TOKEN, **query: str
    ) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {token}"}
        async with self.http.request(
            method, path, json=payload, params=query, headers=headers
        ) as response:
            body: Json = json.loads(await response.text())
            return response.status, body

    async def code(self, method: str, path: str, payload: object = None, **query: str) -> int:
        code = (await self.call(method, path, payload, **query))[1]["code"]
        assert isinstance(code, int)
        return code

    async def data(self, method: str, path: str, payload: object = None, **query: str) -> Json:
        _, body = await self.call(method, path, payload, **query)
        assert body["code"] == 0, body
        found = body["data"]
        assert isinstance(found, dict)
        return found

    async def conversation(self) -> str:
        created = await self.data("POST", "/v1/conversation/create", {"bot_id": DEMO_BOT_ID})
        return str(created["id"])


@pytest.fixture
async def caller() -> AsyncIterator[Caller]:
    clock = Clock()
    async with (
        serve(Emulator(pace=0, clock=clock, oauth_apps=[APP])) as emulator,
        aiohttp.ClientSession(emulator.url) as http,
    ):
        yield Caller(emulator, clock, http)


@pytest.mark.parametrize(
    ("method", "path", "payload", "query", "code"),
    [
        ("POST", "/v1/conversation/create", {"name": "x" * 101}, {}, 4000),
        ("POST", "/v1/conversation/create", {"bot_id": "1"}, {}, 5000),
        (
            "POST",
            "/v1/conversation/create",
            {"messages": [{"role": "user", "content": "x"}] * 17},
            {},
            4000,
        ),
        ("GET", "/v1/conversations", None, {}, 4000),
        ("GET", "/v1/conversations", None, {"bot_id": "1", "page_size": "51"}, 4000),
        ("GET", "/v1/conversations", None, {"bot_id": "1", "page_num": "x"}, 4000),
        ("GET", "/v1/conversation/retrieve", None, {"conversation_id": "1"}, 4002),
        ("GET", "/v3/chat/retrieve", None, {"conversation_id": "1"}, 4000),
        ("POST", "/v3/chat/cancel", {}, {}, 4000),
        ("GET", "/v1/variables", None, {"connector_uid": "u"}, 4000),
        ("GET", "/v1/variables", None, {"bot_id": DEMO_BOT_ID}, 4000),
        (
            "PUT",
            "/v1/variables",
            {"bot_id": DEMO_BOT_ID, "connector_uid": "u", "data": []},
            {},
            4000,
        ),
        ("GET", "/v1/bots/1", None, {}, 4006),
        ("GET", "/v1/bots", None, {"workspace_id": "1", "publish_status": "nonsense"}, 4000),
        ("GET", f"/v1/bots/{DEMO_BOT_ID}/versions", None, {"page_size": "31"}, 4000),
        ("POST", "/v1/bot/update", {"bot_id": DEMO_BOT_ID, "name": "x" * 21}, {}, 4000),
        (
            "POST",
            "/v1/bot/update",
            {"bot_id": DEMO_BOT_ID, "prompt_info": {"prompt": "x" * 20_001}},
            {},
            4000,
        ),
        (
            "POST",
            "/v1/bot/update",
            {"bot_id": DEMO_BOT_ID, "onboarding_info": {"suggested_questions": ["x" * 51]}},
            {},
            4000,
        ),
        ("POST", "/v1/files/upload", {}, {}, 4000),
        ("GET", "/v1/files/retrieve", None, {"file_id": "1"}, 4200),
    ],
)
async def test_request_over_its_limits_gets_the_documented_code(
    caller: Caller, method: str, path: str, payload: object, query: dict[str, str], code: int
) -> None:
    assert await caller.code(method, path, payload, **query) == code


async def test_two_files_at_once_are_4301(caller: Caller) -> None:
    form = aiohttp.FormData()
    form.add_field("file", b"1", filename="a.png")
    form.add_field("file", b"2", filename="b.png")
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with caller.http.post("/v1/files/upload", data=form, headers=headers) as response:
        assert (await response.json())["code"] == 4301


@pytest.mark.parametrize(("name", "code"), [("song.exe", 4303), ("noise", 4303), ("A.PNG", 0)])
async def test_type_of_a_file_is_judged_by_its_name(caller: Caller, name: str, code: int) -> None:
    form = aiohttp.FormData()
    form.add_field("file", b"1", filename=name)
    headers = {"Authorization": f"Bearer {DEMO_TOKEN}"}
    async with caller.http.post("/v1/files/upload", data=form, headers=headers) as response:
        assert (await response.json())["code"] == code


async def test_messages_page_in_both_directions(caller: Caller) -> None:
    conversation = await caller.conversation()
    for number in range(5):
        message = {"role": "user", "content": str(number), "content_type": "text"}
        await caller.call(
            "POST", "/v1/conversation/message/create", message, conversation_id=conversation
        )

    async def page(**body: object) -> tuple[str, bool, str, str]:
        _, answer = await caller.call(
            "POST", "/v1/conversation/message/list", body, conversation_id=conversation
        )
        rows = answer["data"]
        assert isinstance(rows, list)
        said = "".join(row["content"] for row in rows)
        return said, bool(answer["has_more"]), str(answer["first_id"]), str(answer["last_id"])

    said, more, first, last = await page(order="asc", limit=2)
    assert (said, more) == ("01", True)
    said, more, first, last = await page(order="asc", limit=2, after_id=last)
    assert (said, more) == ("23", True)
    said, more, _, _ = await page(order="asc", limit=2, after_id=last)
    assert (said, more) == ("4", False)
    said, more, _, _ = await page(order="asc", limit=1, before_id=first)
    assert (said, more) == ("1", True)
    said, more, _, _ = await page(limit=2)
    assert (said, more) == ("43", True)
    assert (await page(chat_id="1"))[0] == ""


@pytest.mark.parametrize(
    "edit",
    [
        {"prompt_info": {"prompt": "x", "prompt_mode": "prefix"}},
        {"suggest_reply_info": {"reply_mode": "customized"}},
        {"model_info_config": {"temperature": 0.5}},
        {"model_info_config": {"model_id": "1", "parameters": {"caching_expire_time": 259_201}}},
        {"knowledge": {"dataset_ids": [str(number) for number in range(151)]}},
    ],
)
async def test_edit_that_coze_documents_as_wrong_is_refused(caller: Caller, edit: Json) -> None:
    assert await caller.code("POST", "/v1/bot/update", {"bot_id": DEMO_BOT_ID, **edit}) == 4000


async def test_icon_must_have_been_uploaded(caller: Caller) -> None:
    edit = {"bot_id": DEMO_BOT_ID, "icon_file_id": "1"}
    assert await caller.code("POST", "/v1/bot/update", edit) == 4200


async def test_what_no_document_shows_can_be_left_out(caller: Caller) -> None:
    path = f"/v1/bots/{DEMO_BOT_ID}"
    assert "suggest_reply_info" in await caller.data("GET", path)
    caller.emulator.bots.shows_all = False
    shown = await caller.data("GET", path)
    assert "suggest_reply_info" not in shown
    assert shown["prompt_info"] == {"prompt": "You keep a bridge. Be kind to travellers."}
    assert shown["knowledge"] == {"knowledge_infos": []}


async def test_modified_message_is_in_message_and_not_in_data(caller: Caller) -> None:
    conversation = await caller.conversation()
    message = {"role": "user", "content": "a", "content_type": "text"}
    created = await caller.data(
        "POST", "/v1/conversation/message/create", message, conversation_id=conversation
    )
    ids = {"conversation_id": conversation, "message_id": str(created["id"])}
    _, body = await caller.call("POST", "/v1/conversation/message/modify", {"content": "b"}, **ids)
    assert "data" not in body
    assert isinstance(body["message"], dict)
    assert body["message"]["content"] == "b"
    assert await caller.code("POST", "/v1/conversation/message/modify", {}, **ids) == 4000


async def test_first_text_names_the_conversation(caller: Caller) -> None:
    conversation = await caller.conversation()
    message = {"role": "user", "content": "why bridges?", "content_type": "text"}
    await caller.call(
        "POST", "/v1/conversation/message/create", message, conversation_id=conversation
    )
    found = await caller.data("GET", "/v1/conversation/retrieve", conversation_id=conversation)
    assert found["name"] == "why bridges?"


async def test_variable_keeps_when_it_was_first_set(caller: Caller) -> None:
    whose: Json = {"app_id": DEMO_APP_ID, "connector_uid": "u"}
    for value in ("a", "b"):
        caller.clock.now += 10
        put: Json = {**whose, "data": [{"keyword": "plan", "value": value}]}
        assert await caller.code("PUT", "/v1/variables", put) == 0
    found = await caller.data(
        "GET", "/v1/variables", app_id=DEMO_APP_ID, connector_uid="u", keywords="plan,nothing"
    )
    assert found["items"] == [
        {
            "keyword": "plan",
            "value": "b",
            "create_time": 1_790_000_010,
            "update_time": 1_790_000_020,
        }
    ]
    everything = await caller.data("GET", "/v1/variables", app_id=DEMO_APP_ID, connector_uid="u")
    items = everything["items"]
    assert isinstance(items, list)
    names = [item["keyword"] for item in items]
    assert "mood" in names
    assert "retired" not in names


async def test_published_version_stays_until_the_next_publish(caller: Caller) -> None:
    edit = {
        "bot_id": DEMO_BOT_ID,
        "prompt_info": {"prompt": "Be brief."},
        "onboarding_info": {"prologue": "Hi.", "suggested_questions": ["Why?"]},
        "knowledge": {"dataset_ids": ["7"], "auto_call": False, "search_strategy": 1},
        "plugin_id_list": {"id_list": [{"plugin_id": "1", "api_id": "2"}]},
        "workflow_id_list": {"ids": [{"id": "3"}]},
        "model_info_config": {"model_id": "9", "temperature": 0.5},
        "suggest_reply_info": {"reply_mode": "disable"},
    }
    assert await caller.code("POST", "/v1/bot/update", edit) == 0
    path = f"/v1/bots/{DEMO_BOT_ID}"
    assert "Be brief." not in str(await caller.data("GET", path))
    draft = await caller.data("GET", path, is_published="false")
    assert isinstance(draft["prompt_info"], dict)
    assert draft["prompt_info"]["prompt"] == "Be brief."
    assert draft["onboarding_info"] == {"prologue": "Hi.", "suggested_questions": ["Why?"]}
    assert draft["name"] == "Bridgekeeper"
    listed = await caller.data(
        "GET", "/v1/bots", workspace_id=DEMO_WORKSPACE_ID, publish_status="published_draft"
    )
    assert listed["total"] == 1
    published = await caller.data("POST", "/v1/bot/publish", {"bot_id": DEMO_BOT_ID})
    assert published == {"bot_id": DEMO_BOT_ID, "version": "1001"}
    online = await caller.data("GET", path)
    assert online["version"] == "1001"
    assert online["suggest_reply_info"] == {"reply_mode": "disable", "customized_prompt": ""}
    assert isinstance(online["model_info"], dict)
    assert online["model_info"]["temperature"] == 0.5
    versions = await caller.data("GET", f"{path}/versions", page_size="1")
    assert isinstance(versions["items"], list)
    assert [row["version"] for row in versions["items"]] == ["1001"]
    assert versions["has_more"] is True


def assertion(clock: Clock, key: RSAKey = KEY, **claims: object) -> str:
    header = {"alg": "RS256", "typ": "JWT", "kid": "fingerprint"}
    usual: Json = {
        "iss": "app-1",
        "aud": "api.coze.cn",
        "iat": int(clock()),
        "exp": int(clock()) + 60,
        "jti": f"jti {time.monotonic_ns()}",
    }
    return jwt.encode(header, usual | claims, key)


async def exchange(caller: Caller, signed: str, **body: object) -> tuple[int, Json]:
    asked: Json = {"grant_type": GRANT, "duration_seconds": 900, **body}
    return await caller.call("POST", "/api/permission/oauth2/token", asked, token=signed)


async def test_token_expires_at_an_absolute_time(caller: Caller) -> None:
    status, given = await exchange(caller, assertion(caller.clock))
    assert status == 200
    assert given["expires_in"] == int(caller.clock()) + 900
    token = str(given["access_token"])
    status, _ = await caller.call("GET", "/v1/bots/" + DEMO_BOT_ID, token=token)
    assert status == 200
    caller.clock.now += 900
    status, body = await caller.call("GET", "/v1/bots/" + DEMO_BOT_ID, token=token)
    assert (status, body["code"]) == (401, 700012006)


async def test_token_lives_a_day_at_most(caller: Caller) -> None:
    _, given = await exchange(caller, assertion(caller.clock), duration_seconds=10**6)
    assert given["expires_in"] == int(caller.clock()) + 86399


async def test_assertion_works_once(caller: Caller) -> None:
    signed = assertion(caller.clock)
    assert (await exchange(caller, signed))[0] == 200
    status, body = await exchange(caller, signed)
    assert (status, body["error_code"]) == (401, "access_deny")


async def test_bad_assertions_are_refused(caller: Caller) -> None:
    clock = caller.clock
    other = RSAKey.generate_key(2048, private=True)
    wrong = {
        "signed by somebody else": assertion(clock, other),
        "expired": assertion(clock, exp=int(clock()) - 1),
        "for another server": assertion(clock, aud="example.com"),
        "from another app": assertion(clock, iss="app-2"),
        "without jti": assertion(clock, jti=""),
        "no assertion": "nonsense",
    }
    for why, signed in wrong.items():
        status, body = await exchange(caller, signed)
        assert status in (400, 401), why
        assert body["error_code"], why
        assert "access_token" not in body, why


async def test_other_grant_types_are_not_known(caller: Caller) -> None:
    status, body = await exchange(caller, assertion(caller.clock), grant_type="password")
    assert (status, body["error_code"]) == (400, "unsupported_grant_type")


async def test_revoked_token_is_invalid_at_once(caller: Caller) -> None:
    caller.emulator.keyring.add_token("pat_second", "42")
    status, _ = await caller.call("GET", "/v1/bots/" + DEMO_BOT_ID, token="pat_second")
    assert status == 200
    conversation = await caller.conversation()
    _, body = await caller.call(
        "GET", "/v1/conversation/retrieve", token="pat_second", conversation_id=conversation
    )
    assert body["code"] == 4002
    caller.emulator.keyring.revoke("pat_second")
    status, _ = await caller.call("GET", "/v1/bots/" + DEMO_BOT_ID, token="pat_second")
    assert status == 401


def test_without_joserfc_the_token_endpoint_says_what_is_missing() -> None:
    program = (
        "import sys; sys.modules['joserfc'] = None\n"
        "from bridge.emulator.auth import Keyring, OAuthRefused\n"
        "try:\n"
        "    Keyring('t', (), clock=lambda: 0.0, seed=0).exchange('x', 900, host='h')\n"
        "except OAuthRefused as error:\n"
        "    print(error.status, error)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.startswith("500 internal_error: the emulator needs the package joserfc")
