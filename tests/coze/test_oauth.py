"""Who signs gets tokens, and no turn notices when one of them ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass

import pytest
from joserfc import jws, jwt
from joserfc.jwk import ECKey, RSAKey
from pydantic import SecretStr

from bridge.config import CozeSettings, OAuthSettings
from bridge.coze import ClientSettings, CozeAgent, CozeClient, open_client
from bridge.coze.envelope import Reply
from bridge.coze.oauth import LIFETIME, TOKEN_PATH, OAuth, ServiceKey, granted
from bridge.emulator import DEMO_BOT_ID, Emulator, OAuthApp, Scenario, Trouble, serve
from bridge.errors import (
    Gone,
    Misconfigured,
    RateLimited,
    Transient,
    Unauthorised,
    Unreachable,
)
from bridge.upstream import AnswerEvent, Finished, Question

KEY = RSAKey.generate_key(2048)
PEM = KEY.as_pem(private=True).decode()
APP = OAuthApp("app-1", "fingerprint", KEY.as_pem(private=False).decode())
SETTINGS = ClientSettings(retry_wait=0.001, connect_timeout=60, call_timeout=60)


@dataclass
class Clock:
    now: float = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def emulator(clock: Clock) -> AsyncIterator[Emulator]:
    async with serve(Emulator(pace=0, clock=clock, oauth_apps=[APP])) as emulator:
        yield emulator


@asynccontextmanager
async def agent_of(
    emulator: Emulator, clock: Clock, *, per_user: bool = False, key_id: str = "fingerprint"
) -> AsyncIterator[CozeAgent]:
    key = ServiceKey.read("app-1", key_id, PEM)
    async with (
        aclosing(OAuth(emulator.url, key, SETTINGS, per_user=per_user, clock=clock)) as service,
        CozeClient(emulator.url, service, SETTINGS) as client,
    ):
        yield CozeAgent(client, bot_id=DEMO_BOT_ID)


async def ask(agent: CozeAgent, uid: str, conversation_id: str) -> AnswerEvent:
    """Ask something and return how the answer ended."""
    async with agent.ask(Question(uid, conversation_id, "12*7", "mark")) as events:
        told = [event async for event in events]
    return told[-1]


def tokens_asked(emulator: Emulator) -> int:
    return emulator.calls[f"POST {TOKEN_PATH}"]


# Assertions


def test_an_assertion_says_who_and_to_whom() -> None:
    signed = ServiceKey.read("app-1", "fingerprint", PEM).assertion("api.coze.cn", 1000.5, "anna")
    header = jws.extract_compact(signed.encode()).headers()
    claims = jwt.decode(signed, KEY, algorithms=["RS256"]).claims
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "fingerprint"}
    assert claims.pop("jti")
    assert claims == {
        "iss": "app-1",
        "aud": "api.coze.cn",
        "iat": 1000,
        "exp": 1300,
        "session_name": "anna",
    }


def test_no_two_assertions_have_the_same_jti() -> None:
    key = ServiceKey.read("app-1", "f", PEM)
    signed = [key.assertion("api.coze.cn", 1000, "") for _ in range(20)]
    ids = {str(jwt.decode(one, KEY, algorithms=["RS256"]).claims["jti"]) for one in signed}
    assert len(ids) == 20


def test_a_key_from_the_environment_may_spell_its_line_ends_out() -> None:
    assert ServiceKey.read("app-1", "f", PEM.replace("\n", "\\n")).key.is_private


@pytest.mark.parametrize(
    ("pem", "complaint"),
    [
        ("pat_1234", "is no RSA key in PEM, or has a password; download it anew"),
        (ECKey.generate_key("P-256").as_pem().decode(), "is no RSA key in PEM, or has a password"),
        (APP.public_key, "is the public key; the private one is needed"),
        (PEM[: len(PEM) // 2], "is no RSA key in PEM, or has a password"),
    ],
)
def test_a_key_that_cannot_sign(pem: str, complaint: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        ServiceKey.read("app-1", "f", pem)
    assert str(refused.value).startswith(f"coze.oauth.private_key: {complaint}")
    assert pem[:60] not in str(refused.value)


def test_the_key_does_not_show() -> None:
    key = ServiceKey.read("app-1", "f", PEM)
    assert "key=" not in repr(key)
    assert PEM[40:80] not in repr(key)


# The reply


def reply(status: int, body: str) -> Reply:
    return Reply(status, {"x-tt-logid": "log-1"}, body.encode())


@pytest.mark.parametrize(
    ("body", "life"),
    [
        ('{"access_token": "czs_1", "expires_in": 1900}', 900),  # a point in time, as documented
        ('{"access_token": "czs_1", "expires_in": "1900"}', 900),
        ('{"code": 0, "data": {"access_token": "czs_1", "expires_in": 1900}}', 900),
        ('{"access_token": "czs_1"}', LIFETIME),
    ],
)
def test_the_life_of_a_token(body: str, life: float) -> None:
    now = 1000.0 + 100_000
    body = body.replace("1900", str(int(now) + 900))
    token = granted(reply(200, body), now)
    assert token.text == "czs_1"
    assert token.expires_at - now == life


def test_a_duration_is_taken_for_one() -> None:
    token = granted(reply(200, '{"access_token": "czs_1", "expires_in": 900}'), 1.7e9)
    assert token.expires_at == 1.7e9 + 900


@pytest.mark.parametrize("wrong_by", [-7200, 7200])
def test_a_wrong_clock_does_not_make_a_token_useless(wrong_by: int) -> None:
    told = 1_700_003_600
    body = f'{{"access_token": "czs_1", "expires_in": {told}}}'
    now = 1_700_000_000.0 + wrong_by
    assert granted(reply(200, body), now).expires_at - now == LIFETIME


@pytest.mark.parametrize(
    ("status", "body", "kind", "says"),
    [
        (401, '{"error_code": "invalid_client", "error_message": "who?"}', Unauthorised, "who?"),
        (400, '{"error": "invalid_request"}', Unauthorised, "HTTP 400; compare client_id"),
        (400, '{"error_code": "internal_error", "error_message": "oh"}', Unreachable, "oh"),
        (200, '{"code": 4100, "msg": "no"}', Unreachable, "no"),
        (200, "<html>welcome to the hotel</html>", Unreachable, "an answer without one"),
        (429, "", RateLimited, "too many requests"),
        (502, "<html>", Unreachable, "HTTP 502"),
    ],
)
def test_a_refusal(status: int, body: str, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind) as refused:
        granted(reply(status, body), 1000)
    assert says in str(refused.value)
    assert "logid log-1" in str(refused.value)


# Against the emulator


async def test_one_token_serves_everybody(emulator: Emulator, clock: Clock) -> None:
    async with agent_of(emulator, clock) as agent:
        conversation = await agent.of("anna").begin()
        assert isinstance(await ask(agent.of("ben"), "ben", conversation), Finished)
    assert tokens_asked(emulator) == 1


async def test_an_expired_token_costs_no_turn(emulator: Emulator, clock: Clock) -> None:
    async with agent_of(emulator, clock) as agent:
        conversation = await agent.begin()
        for _ in range(3):
            clock.now += LIFETIME + 1
            assert isinstance(await ask(agent, "anna", conversation), Finished)
    assert tokens_asked(emulator) == 4


async def test_a_token_that_coze_withdraws_costs_no_turn(emulator: Emulator, clock: Clock) -> None:
    async with agent_of(emulator, clock) as agent:
        conversation = await agent.begin()
        withdrawn = list(emulator.keyring._granted)
        for token in withdrawn:
            emulator.keyring.revoke(token)
        fresh = await asyncio.gather(*(agent.begin() for _ in range(9)))
        endings = await asyncio.gather(*(ask(agent, "anna", key) for key in fresh))
        assert all(isinstance(ending, Finished) for ending in endings)
        assert isinstance(await ask(agent, "anna", conversation), Finished)
    assert tokens_asked(emulator) == 2


async def test_a_person_sees_only_conversations_of_their_own(
    emulator: Emulator, clock: Clock
) -> None:
    async with agent_of(emulator, clock, per_user=True) as agent:
        hers = await agent.of("anna").begin()
        assert isinstance(await ask(agent.of("anna"), "anna", hers), Finished)
        with pytest.raises(Gone):
            await ask(agent.of("ben"), "ben", hers)
        found = await agent.of("anna").find(hers, "mark")
        assert found is not None
        await agent.of("anna").outcome(found)
        with pytest.raises(Gone):
            await agent.of("ben").clear(hers)
    assert tokens_asked(emulator) == 2


async def test_500_people_at_once_make_one_request_each(emulator: Emulator, clock: Clock) -> None:
    people = [f"person-{number}" for number in range(500)]

    async def turn(agent: CozeAgent, uid: str) -> AnswerEvent:
        mine = agent.of(uid)
        conversation, _ = await asyncio.gather(mine.begin(), mine.check())
        return await ask(mine, uid, conversation)

    async with agent_of(emulator, clock, per_user=True) as agent:
        endings = await asyncio.gather(*(turn(agent, uid) for uid in people))
    assert all(isinstance(ending, Finished) for ending in endings)
    assert tokens_asked(emulator) == 500
    owners = {chat.conversation_id for chat in emulator.asked}
    assert len(owners) == 500


async def test_a_key_that_coze_does_not_know_is_the_operators_to_mend(
    emulator: Emulator, clock: Clock
) -> None:
    async with agent_of(emulator, clock, key_id="another") as agent:
        with pytest.raises(Unauthorised, match="unknown public key; compare client_id"):
            await agent.check()


async def test_without_a_token_nothing_was_asked(emulator: Emulator, clock: Clock) -> None:
    async with agent_of(emulator, clock) as agent:
        conversation = await agent.begin()
        clock.now += LIFETIME + 1
        emulator.url = ""
    async with serve(Emulator(pace=0, clock=clock)) as other:
        gone = other.url
    key = ServiceKey.read("app-1", "fingerprint", PEM)
    async with (
        aclosing(OAuth(gone, key, SETTINGS, clock=clock)) as service,
        CozeClient(gone, service, SETTINGS) as client,
    ):
        with pytest.raises(Transient, match="no token from Coze") as failed:
            await ask(CozeAgent(client, bot_id=DEMO_BOT_ID), "anna", conversation)
    assert not failed.value.happened


async def test_the_settings_open_a_client_that_signs(clock: Clock) -> None:
    clock.now = 0
    async with serve(Emulator(pace=0, oauth_apps=[APP])) as emulator:
        app = OAuthSettings(
            client_id="app-1", public_key_id="fingerprint", private_key=SecretStr(PEM)
        )
        async with open_client(CozeSettings(base_url=emulator.url, oauth=app)) as client:
            await CozeAgent(client, bot_id=DEMO_BOT_ID).check()
        assert tokens_asked(emulator) == 1


async def test_the_settings_open_a_client_with_a_token() -> None:
    async with serve(Emulator(token="pat_1", pace=0)) as emulator:
        settings = CozeSettings(base_url=emulator.url, token=SecretStr("pat_1"))
        async with open_client(settings) as client:
            await CozeAgent(client, bot_id=DEMO_BOT_ID).check()


async def test_a_new_token_that_is_refused_too_is_not_replaced_for_ever(
    emulator: Emulator, clock: Clock
) -> None:
    denied = Trouble(4101, "no permission")
    emulator.install(Scenario(endpoint="/v1/conversation/create", refuse=denied))
    async with agent_of(emulator, clock) as agent:
        for _ in range(5):
            with pytest.raises(Unauthorised, match="no permission"):
                await agent.begin()
    assert tokens_asked(emulator) == 2
    assert emulator.calls["POST /v1/conversation/create"] == 6
