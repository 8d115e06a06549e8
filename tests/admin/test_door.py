"""Without the token nothing of the page is reachable, and no other site gets anything done."""

from datetime import timedelta
from pathlib import Path

import pytest

from bridge.store.operator_log import deeds
from bridge.store.tables import admin_sessions
from bridge.web.admin.routes import HEADERS
from bridge.web.admin.tries import MINUTE, OF_ALL, OF_ONE, Tries
from tests.admin.stage import TOKEN, Stage, Visitor, built

OPEN = {("GET", "/admin/"), ("GET", "/admin/login"), ("POST", "/admin/login")}
"""What a stranger may ask for; the first one only leads to the entrance."""


def routes(stage: Stage) -> list[tuple[str, str]]:
    [page] = stage.admin()
    named = [(route.method, route.path.replace("{name}", "live.js")) for route in page.routes()]
    return [each for each in named if each not in OPEN]


SECRETS = ("Anna", "u-anna", "c-u-anna", "the weather", "csrf", "Overview")


async def test_without_the_token_no_route_tells_or_does_anything(
    stage: Stage, stranger: Visitor
) -> None:
    turn, lane = await stage.says("the weather")
    await stage.answers(lane, "the weather is fine", error="no such agent")
    tried = routes(stage)
    assert len(tried) >= 12
    for method, path in tried:
        asked = f"{path}?lane={lane}&uid={stage.uid}&search=Anna"
        fields = {"id": str(turn), "wish": "drop", "lane": lane, "standing": "blocked"}
        if method == "GET":
            status, text, response = await stranger.get(asked)
        else:
            status, text, response = await stranger.post(path, {**fields, "address": "fake:u-anna"})
        assert (status, response.headers.get("Location")) in {
            (303, "/admin/login"),
            (401, None),
        }, path
        assert [word for word in SECRETS if word in text] == [], path
    assert await stage.store.read(deeds(10)) == []


@pytest.mark.parametrize("cookie", ["", "x" * 43, "A" * 42 + "é", "'; DROP TABLE turns --"])
async def test_a_made_up_cookie_opens_nothing(stage: Stage, stranger: Visitor, cookie: str) -> None:
    port = stage.url.rpartition(":")[2]
    given = f'coze-bridge-admin-{port}="{cookie}"'.encode().decode("latin-1")
    status, _, response = await stranger.get("/admin", Cookie=given)
    assert (status, response.headers["Location"]) == (303, "/admin/login")


async def test_without_a_token_in_the_settings_there_is_no_page(tmp_path: Path) -> None:
    async with built(tmp_path) as stage:
        assert stage.admin("") == []


async def test_the_right_token_lets_in_and_the_cookie_is_well_kept(
    stage: Stage, stranger: Visitor
) -> None:
    status, _, response = await stranger.post("/admin/login", {"token": TOKEN})
    assert (status, response.headers["Location"]) == (303, "/admin")
    cookie = response.headers["Set-Cookie"]
    for part in ("HttpOnly", "SameSite=Strict", "Path=/admin", "Max-Age=43200"):
        assert part in cookie
    assert "Secure" not in cookie  # it came by plain http
    status, text, _ = await stranger.get("/admin")
    assert status == 200
    assert "Everything works" not in text  # nobody has asked the agent yet
    [row] = await stage.store.read(lambda c: c.execute(admin_sessions.select()).all())
    assert row.digest not in cookie
    assert TOKEN not in cookie


async def test_behind_https_the_cookie_is_for_https_alone(stage: Stage, stranger: Visitor) -> None:
    origin = stage.url.replace("http:", "https:")
    _, _, response = await stranger.post("/admin/login", {"token": TOKEN}, Origin=origin)
    assert "Secure" in response.headers["Set-Cookie"]


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "x", "\ud83d", "é" * 9])
async def test_a_wrong_token_lets_nobody_in(stranger: Visitor, token: str) -> None:
    status, text, response = await stranger.post(
        "/admin/login", {"token": token.encode("utf-8", "replace").decode()}
    )
    assert status == 403
    assert "This is not the admin token." in text
    assert "Set-Cookie" not in response.headers


async def test_who_guesses_has_to_wait_even_with_the_right_token(
    stage: Stage, stranger: Visitor
) -> None:
    for _ in range(OF_ONE):
        assert await stranger.sign_in("wrong") == 403
    status, _, response = await stranger.post("/admin/login", {"token": TOKEN})
    assert status == 429
    assert 0 < int(response.headers["Retry-After"]) <= MINUTE
    stage.seconds += MINUTE
    assert await stranger.sign_in() == 303


def test_guesses_from_everywhere_are_counted_together() -> None:
    now = 0.0
    tries = Tries(lambda: now)
    for number in range(OF_ALL):
        assert tries.wait(f"address {number}") == 0
        tries.wrong(f"address {number}")
    assert tries.wait("one more") == MINUTE
    now = MINUTE
    assert tries.wait("one more") == 0


async def test_signing_out_ends_the_session_for_good(stage: Stage, operator: Visitor) -> None:
    port = stage.url.rpartition(":")[2]
    [kept] = [cookie.value for cookie in operator.http.cookie_jar]
    status, _, response = await operator.post("/admin/logout", {"csrf": await operator.csrf()})
    assert (status, response.headers["Location"]) == (303, "/admin/login")
    operator.http.cookie_jar.clear()
    again = f"coze-bridge-admin-{port}={kept}"
    status, _, _ = await operator.get("/admin", Cookie=again)
    assert status == 303


async def test_a_session_ends_after_half_a_day(stage: Stage, operator: Visitor) -> None:
    assert (await operator.get("/admin"))[0] == 200
    stage.now += timedelta(hours=12)
    assert (await operator.get("/admin"))[0] == 303


async def test_a_new_token_ends_all_sessions(stage: Stage, operator: Visitor) -> None:
    [kept] = [cookie.value for cookie in operator.http.cookie_jar]
    async with stage.served("another-token"):
        port = stage.url.rpartition(":")[2]
        operator.url = stage.url
        given = f"coze-bridge-admin-{port}={kept}"
        assert (await operator.get("/admin", Cookie=given))[0] == 303


# Forgeries


async def test_a_form_without_its_token_does_nothing(stage: Stage, operator: Visitor) -> None:
    turn, lane = await stage.says("hello")
    await stage.answers(lane, "", error="no such agent")
    csrf = await operator.csrf()
    posts = [path for method, path in routes(stage) if method == "POST"]
    assert len(posts) >= 5
    before = await stage.store.read(deeds(10))
    for path in posts:
        for forged in ({}, {"csrf": ""}, {"csrf": "x"}, {"csrf": csrf[:-1]}, {"csrf": "é"}):
            fields = {"lane": lane, "id": str(turn), "wish": "drop", **forged}
            status, _, _ = await operator.post(path, fields)
            assert status == 403, path
    assert await stage.store.read(deeds(10)) == before
    assert (await operator.get("/admin"))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
async def test_another_site_does_nothing_even_with_everything(
    stage: Stage, operator: Visitor, headers: dict[str, str]
) -> None:
    _, lane = await stage.says("hello")
    fields = {"lane": lane, "csrf": await operator.csrf()}
    for path in ("/admin/conversations/reset", "/admin/logout", "/admin/login"):
        status, _, _ = await operator.post(path, fields, **headers)
        assert status == 403
    assert (await operator.post("/admin/conversations/reset", fields))[0] == 303


async def test_a_deed_is_not_done_by_following_a_link(stage: Stage, operator: Visitor) -> None:
    _, lane = await stage.says("hello")
    csrf = await operator.csrf()
    status, _, _ = await operator.get(f"/admin/conversations/reset?lane={lane}&csrf={csrf}")
    assert status == 404


async def test_a_page_that_is_not_there_is_told_to_operators_alone(
    stranger: Visitor, operator: Visitor
) -> None:
    status, text, _ = await operator.get("/admin/no/such")
    assert (status, "There is no such page." in text) == (404, True)
    stranger.http.cookie_jar.clear()
    status, _, response = await stranger.get("/admin/no/such")
    assert (status, response.headers["Location"]) == (303, "/admin/login")


async def test_a_form_of_another_kind_is_not_read(operator: Visitor) -> None:
    url = f"{operator.url}/admin/people"
    async with operator.http.post(url, json={"csrf": await operator.csrf()}) as response:
        assert response.status == 415
    async with operator.http.post(url, data={"csrf": "x" * 70_000}) as response:
        assert response.status == 413


# Every answer is fenced in


async def test_every_answer_is_fenced_in_and_kept_by_nobody(
    stage: Stage, operator: Visitor
) -> None:
    asked = ["/admin", "/admin/login", "/admin/people", "/admin/conversations/one?lane=none"]
    for path in [*asked, "/admin/page/style.css", "/admin/page/none"]:
        _, _, response = await operator.get(path)
        for name, value in HEADERS.items():
            assert response.headers[name] == value, path
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


async def test_a_page_that_has_not_changed_is_not_sent_again(
    stage: Stage, operator: Visitor
) -> None:
    _, _, response = await operator.get("/admin", X_Live="1")
    tag = response.headers["ETag"]
    assert (await operator.get("/admin", X_Live="1", If_None_Match=tag))[0] == 304
    await stage.says("hello")
    assert (await operator.get("/admin", X_Live="1", If_None_Match=tag))[0] == 200
