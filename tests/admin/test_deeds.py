"""What an operator does on the page is done, and written down; the command line tells the same."""

import pytest

from bridge.config import AccessSettings
from bridge.errors import Unreachable
from bridge.events import User
from bridge.operator import talks
from bridge.store.guests import Guest, Standing, guest_of, knock
from bridge.store.operator_log import deeds
from bridge.store.overview import Which, states_of, talk
from bridge.store.sessions import session_of
from bridge.store.switches import switched
from bridge.store.turns import TurnState
from bridge.upstream import Variable
from tests.admin.stage import ANNA, Stage, Visitor

LI = User("u-li", name="李雷")


async def done(stage: Stage) -> list[tuple[str, str, str]]:
    """Who, what, of what; the oldest first, without signing in."""
    found = [it for _, it in await stage.store.read(deeds(50)) if it.what != "sign in"]
    return [(it.who, it.what, it.detail) for it in reversed(found)]


async def post(operator: Visitor, path: str, *more: tuple[str, str], **fields: str) -> str:
    """Send a form as the page does; where it leads to."""
    given = [("csrf", await operator.csrf()), *fields.items(), *more]
    status, text, response = await operator.post(path, given)
    assert status == 303, text
    return response.headers["Location"]


async def test_a_conversation_begins_anew(stage: Stage, operator: Visitor) -> None:
    _, lane = await stage.says("hello")
    to = await post(operator, "/admin/conversations/reset", lane=lane)
    session = await stage.store.read(session_of(lane))
    assert session
    assert session.conversation_id is None
    assert await done(stage) == [("admin page", "reset", lane)]
    _, text, _ = await operator.get(to)
    assert text.count("The next question begins a new conversation.") == 2


async def test_the_bridge_is_paused_and_goes_on(stage: Stage, operator: Visitor) -> None:
    await post(operator, "/admin/pause", wish="pause")
    assert await stage.store.read(switched("pause"))
    assert "questions wait, and none is asked" in (await operator.get("/admin"))[1]
    await post(operator, "/admin/pause", wish="resume")
    assert await stage.store.read(switched("pause")) is None
    assert await done(stage) == [("admin page", "pause", ""), ("admin page", "resume", "")]


async def test_what_was_not_answered_is_asked_again_or_dropped(
    stage: Stage, operator: Visitor
) -> None:
    failed = []
    for text in ("one", "two", "three"):
        number, lane = await stage.says(text)
        await stage.answers(lane, "", error="no such agent, code 4015")
        failed.append(number)
    _, text, _ = await operator.get("/admin/unanswered")
    assert text.count("no such agent, code 4015") == 3
    first, second, third = map(str, failed)
    to = await post(operator, "/admin/unanswered", ("id", first), ("id", second), wish="requeue")
    assert "2 asked again" in (await operator.get(to))[1]
    await post(operator, "/admin/unanswered", ("id", third), wish="drop")
    states = await stage.store.read(states_of(failed))
    assert list(states.values()) == [TurnState.RECEIVED, TurnState.RECEIVED, TurnState.DROPPED]
    assert await done(stage) == [
        ("admin page", "requeue", "00001, 00002"),
        ("admin page", "drop", "00003"),
    ]
    assert "Every message was answered." in (await operator.get("/admin/unanswered"))[1]


async def test_what_somebody_else_has_seen_to_is_left_alone(
    stage: Stage, operator: Visitor
) -> None:
    number, lane = await stage.says("one")
    await stage.answers(lane, "an answer")
    fields = {"csrf": await operator.csrf(), "id": str(number), "wish": "requeue"}
    status, text, _ = await operator.post("/admin/unanswered", fields)
    assert status == 409
    assert "00001 is delivered, so it is left alone" in text
    assert await done(stage) == []


async def test_somebody_is_blocked_and_let_in_again(stage: Stage, operator: Visitor) -> None:
    await stage.says("hello")
    await post(operator, "/admin/people", address="fake:u-anna", name="Anna", standing="blocked")
    guest = await stage.store.read(guest_of("fake", "u-anna"))
    assert guest
    assert guest.standing is Standing.BLOCKED
    _, text, _ = await operator.get("/admin/people")
    assert "Unblock" in text
    await post(operator, "/admin/people", address="fake:u-anna", standing="unknown")
    assert await stage.store.read(guest_of("fake", "u-anna")) is None
    assert [what for _, what, _ in await done(stage)] == ["block", "revoke"]


async def test_a_stranger_is_let_in(stage: Stage, operator: Visitor) -> None:
    eve = Guest("fake", "u-eve", "Eve", Standing.UNKNOWN, stage.now)
    await stage.store.write(knock(eve, stage.now, lambda: "ABCD2345"))
    _, text, _ = await operator.get("/admin/people")
    assert "ABCD2345" in text
    await post(operator, "/admin/people", address="fake:u-eve", name="Eve", standing="admitted")
    _, text, _ = await operator.get("/admin/people")
    assert "Before the door" not in text
    assert await done(stage) == [("admin page", "admit", "fake:u-eve")]


async def test_the_settings_are_not_overruled(stage: Stage, operator: Visitor) -> None:
    await stage.says("hello")
    await stage.says("hello", LI)
    stage.rules.replace(AccessSettings(admins=("fake:u-anna",), deny=("fake:u-li",)), {})
    _, text, _ = await operator.get("/admin/people")
    assert text.count("by the settings") == 2


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/admin/people", {"address": "nobody", "standing": "blocked"}),
        ("/admin/people", {"address": "fake:x", "standing": "king"}),
        ("/admin/people", {"address": "fake:" + "x" * 300, "standing": "blocked"}),
        ("/admin/pause", {"wish": "explode"}),
        ("/admin/unanswered", {"wish": "drop"}),
        ("/admin/unanswered", {"wish": "drop", "id": "9" * 40}),
        ("/admin/unanswered", {"wish": "burn", "id": "1"}),
        ("/admin/unanswered", {"wish": "drop", "id": "77"}),
        ("/admin/conversations/reset", {"lane": "no/such/lane"}),
        ("/admin/people/variable", {"uid": "nobody", "agent": "default", "keyword": "x"}),
    ],
)
async def test_what_makes_no_sense_is_refused_and_nothing_is_done(
    stage: Stage, operator: Visitor, path: str, fields: dict[str, str]
) -> None:
    status, text, _ = await operator.post(path, {"csrf": await operator.csrf(), **fields})
    assert status in {400, 409}
    assert "Not done" in text
    assert await done(stage) == []


@pytest.mark.parametrize(
    "query",
    ["?after=x", "?after=2026-01-01 x", "?before=-1", "?before=" + "9" * 30, "?search=%00%ff"],
)
async def test_an_address_that_makes_no_sense_shows_the_beginning(
    stage: Stage, operator: Visitor, query: str
) -> None:
    await stage.says("hello")
    for path in ("/admin/conversations", "/admin/people", "/admin/unanswered", "/admin/log"):
        assert (await operator.get(path + query))[0] == 200


async def test_variables_are_read_and_set(stage: Stage, operator: Visitor) -> None:
    await stage.says("hello")
    uid = stage.uid(ANNA)
    stage.agent.keep(uid, Variable("city", "Lisbon", stage.now))
    _, text, _ = await operator.get(f"/admin/people/one?uid={uid}")
    assert 'value="Lisbon"' in text
    path = "/admin/people/variable"
    to = await post(operator, path, uid=uid, agent="default", keyword="city", value="Porto")
    _, text, _ = await operator.get(to)
    assert 'value="Porto"' in text
    assert await done(stage) == [("admin page", "set variable", f"city of {uid} at default")]


async def test_a_variable_of_cozes_own_is_shown_and_not_offered(
    stage: Stage, operator: Visitor
) -> None:
    await stage.says("hello")
    uid = stage.uid(ANNA)
    stage.agent.keep(uid, Variable("sys_uuid", "8c1f", stage.now))
    _, text, _ = await operator.get(f"/admin/people/one?uid={uid}")
    assert "8c1f" in text
    assert 'aria-label="Set city"' in text
    assert 'aria-label="Set sys_uuid"' not in text


async def test_coze_is_asked_by_who_opens_a_page_and_not_by_the_script(
    stage: Stage, operator: Visitor
) -> None:
    await stage.says("hello")
    path = f"/admin/people/one?uid={stage.uid(ANNA)}"
    stage.agent.fail("variables", Unreachable("Coze is away"))
    assert (await operator.get(path, X_Live="1"))[0] == 200
    assert "As last heard; now: Coze is away" in (await operator.get(path))[1]
    assert "As last heard" not in (await operator.get(path))[1]


async def test_the_page_and_the_command_line_tell_the_same(stage: Stage, operator: Visitor) -> None:
    for at, user in enumerate((ANNA, LI)):
        await stage.says("hello", user, minutes=at)
    lanes = [it.lane for it in await talks.list_of(stage.store, Which())]
    _, text, _ = await operator.get("/admin/conversations")
    assert [text.index(lane) for lane in lanes] == sorted(text.index(lane) for lane in lanes)
    found = await stage.store.read(talk(lanes[0]))
    assert found
    assert found.said
    assert found.said.user.name in text


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/admin/conversations", "No conversations yet."),
        ("/admin/conversations?search=nobody", "Nothing was found."),
        ("/admin/conversations?agent=default", "Nothing was found."),
        ("/admin/people", "Nobody has written yet."),
        ("/admin/people?search=nobody", "Nothing was found."),
        ("/admin/unanswered", "Every message was answered."),
    ],
)
async def test_an_empty_list_says_why_it_is_empty(operator: Visitor, path: str, said: str) -> None:
    _, text, _ = await operator.get(path)
    assert said in text


async def test_one_answer_is_not_called_answers(stage: Stage, operator: Visitor) -> None:
    for count, said in [(1, "1,500 for 1 answer<"), (2, "3,000 for 2 answers<")]:
        turn, _ = await stage.says(f"question {count}")
        await stage.costs(turn)
        _, text, _ = await operator.get(f"/admin/people/one?uid={stage.uid(ANNA)}")
        assert said in text


async def test_a_page_is_called_after_whom_it_is_about(stage: Stage, operator: Visitor) -> None:
    _, lane = await stage.says("hello", User("u-odd", name="Odd <i> \u202ename"))
    uid = stage.uid(User("u-odd"))
    for path in (f"people/one?uid={uid}", f"conversations/one?lane={lane}"):
        _, text, _ = await operator.get(f"/admin/{path}")
        assert "<title>Odd &lt;i&gt; name · coze-bridge</title>" in text
        assert "<h1><bdi>Odd &lt;i&gt; name</bdi></h1>" in text
