"""The chat page's adapter over real HTTP: the contract, and what only it promises."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr
from web_visit import TOKEN, Visit

from adapters.web.adapter import WebAdapter
from adapters.web.assets import load
from adapters.web.chats import Chats
from adapters.web.endpoints import Endpoints
from adapters.web.live import common_prefix
from adapters.web.markup import literal
from adapters.web.settings import PLATFORM, WebSettings
from adapters.web.shelf import MB, Shelf
from adapters.web.visitors import Door, chat_of
from bridge.errors import Gone
from bridge.events import ChatRef, MessageRef, Page
from bridge.testing.contract import AdapterContract, RecordingSink
from bridge.testing.file_contract import FilesContract
from bridge.testing.transcript import FakeHost, FakeNews, MemoryTranscript


class TestContract(FilesContract, AdapterContract):
    """Everything `bridge.testing.contract` asks."""

    @pytest.fixture
    async def platform(self, platform: Visit, transcript: MemoryTranscript) -> Visit:
        """The adapter, not open yet, and a visitor who was here before."""
        chat = chat_of("web", platform.headers["X-Visitor"])
        await transcript.open_chat(chat)
        platform.chat = ChatRef("web", "web", chat)
        return platform


class TestMessages:
    async def test_the_answer_names_the_entry_and_a_repeat_gets_the_same(
        self, visit: Visit
    ) -> None:
        first = await visit.post({"id": "0123-abcd", "text": "hello"})
        again = await visit.post({"id": "0123-abcd", "text": "hello"})
        assert first == again
        assert first[0] == 202
        assert [entry.text for entry in await visit.transcript.tail(visit.chat.chat, limit=9)] == [
            "hello"
        ]

    async def test_profile_travels_with_the_message(
        self, visit: Visit, sink: RecordingSink
    ) -> None:
        await visit.post(
            {
                "id": "profile-1",
                "text": "hi",
                "name": " Zhang\n San ",
                "language": "zh-CN",
                "timezone": "Asia/Shanghai",
            }
        )
        user = sink.events[0].user
        assert (user.name, user.language, user.timezone) == ("Zhang San", "zh-CN", "Asia/Shanghai")

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            (b"{not json", 400),
            (b"\xff\xfe", 400),
            (b'["a list"]', 400),
            (b"[" * 30_000, 400),
            (b'{"id": "12345678"}', 400),
            (b'{"id": "12345678", "text": ""}', 400),
            (b'{"id": "12345678", "text": " \\n "}', 400),
            (b'{"id": "12345678", "text": 7}', 400),
            (b'{"id": "12345678", "text": "a\\ud800"}', 400),
            (b'{"id": 12345678, "text": "x"}', 400),
            (b'{"id": "../../x", "text": "x"}', 400),
            (b'{"id": "12345678", "text": "x", "name": {}}', 400),
            (json.dumps({"id": "12345678", "text": "x" * 65536}).encode(), 413),
        ],
    )
    async def test_bad_input_is_refused_with_a_reason_and_not_stored(
        self, visit: Visit, sink: RecordingSink, body: bytes, status: int
    ) -> None:
        async with visit.http.post(
            f"{visit.url}/messages",
            data=body,
            headers=visit.headers | {"Content-Type": "application/json"},
        ) as answer:
            assert answer.status == status
            error = (await answer.json())["error"]
        assert error["code"]
        assert error["message"]
        assert await visit.transcript.tail(visit.chat.chat, limit=9) == []
        assert sink.events == []

    async def test_an_endless_body_is_refused_without_reading_it_all(self, visit: Visit) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(40):
                yield b"x" * 4096

        async with visit.http.post(
            f"{visit.url}/messages",
            data=chunks(),
            headers=visit.headers | {"Content-Type": "application/json"},
        ) as answer:
            assert answer.status == 413

    async def test_a_body_that_does_not_arrive_is_not_waited_for(
        self, transcript: MemoryTranscript, serve: Callable[..., Any], tmp_path: Path
    ) -> None:
        chats, shelf = Chats(transcript, FakeNews()), Shelf(tmp_path, largest=MB, room=MB)
        endpoints = Endpoints("web", "Chat", chats, shelf, body_patience=0.01)
        endpoints.open(Door("web", None))
        async with serve(endpoints.routes()) as base:
            host, port = base.removeprefix("http://").split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            head = "POST /web/web/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
            writer.write(head.encode() + b"Content-Type: application/json\r\n\r\n{")
            async with asyncio.timeout(30):
                assert b" 408 " in await reader.readline()
            writer.close()
            await writer.wait_closed()

    async def test_a_failed_commit_is_503_and_the_repeat_makes_no_second_entry(
        self, visit: Visit, sink: RecordingSink
    ) -> None:
        sink.failing = True
        status, body = await visit.post({"id": "stubborn-1", "text": "hello"})
        assert (status, body["error"]["code"]) == (503, "unavailable")
        sink.failing = False
        assert (await visit.post({"id": "stubborn-1", "text": "hello"}))[0] == 202
        assert len(await visit.transcript.tail(visit.chat.chat, limit=9)) == 1
        assert len(sink.events) == 1

    async def test_two_visitors_with_the_same_message_id_do_not_meet(self, visit: Visit) -> None:
        other = Visit(
            visit.adapter, visit.transcript, visit.base, visit.http, "another-visitor-0001"
        )
        await other.enter()
        await visit.post({"id": "same-id-1", "text": "mine"})
        await other.post({"id": "same-id-1", "text": "theirs"})
        [mine] = await visit.transcript.tail(visit.chat.chat, limit=9)
        assert mine.text == "mine"

    async def test_older_messages_are_read_in_pages(self, visit: Visit) -> None:
        for number in range(130):
            await visit.adapter.send(visit.chat, Page(f"m{number}", final=True), key=f"k{number}")

        async def listing(query: str) -> Any:
            async with visit.http.get(
                f"{visit.url}/messages?{query}", headers=visit.headers
            ) as answer:
                return answer.status, await answer.json()

        status, newest = await listing("limit=100")
        assert status == 200
        assert newest["more"] is True
        assert newest["entries"][0]["text"] == "m30"
        _, oldest = await listing(f"before={newest['entries'][0]['id']}&limit=100")
        assert oldest["more"] is False
        assert [entry["text"] for entry in oldest["entries"]] == [f"m{n}" for n in range(30)]
        assert (await listing("before=abc"))[0] == 400
        assert (await listing("limit=0"))[0] == 400
        assert (await listing("before=99999999999999999999"))[0] == 400


class TestAccess:
    async def test_a_stranger_gets_nothing(self, visit: Visit) -> None:
        await visit.post({"id": "secret-01", "text": "mine"})
        for headers in (
            {},
            {"X-Visitor": visit.headers["X-Visitor"]},
            visit.headers | {"Authorization": "Bearer wrong"},
            visit.headers | {"Authorization": "Bearer \udcff"},
            {"Cookie": "visitor-web-=visitor-0123456789abcdef.forged"},
        ):
            for path in ("messages", "events"):
                async with visit.http.get(f"{visit.url}/{path}", headers=headers) as answer:
                    assert answer.status == 401
                    assert "error" in await answer.json()

    async def test_somebody_elses_chat_is_unknown(self, visit: Visit) -> None:
        headers = visit.headers | {"X-Visitor": "another-visitor-0001"}
        async with visit.http.get(f"{visit.url}/messages", headers=headers) as answer:
            assert answer.status == 404

    async def test_a_chat_nobody_opened_is_unknown(self, visit: Visit) -> None:
        visit.transcript.forget(visit.chat.chat)
        status, body = await visit.post({"id": "nowhere-1", "text": "hello"})
        assert (status, body["error"]["code"]) == (404, "unknown_chat")

    async def test_the_token_buys_a_cookie_and_the_cookie_is_enough_afterwards(
        self, visit: Visit
    ) -> None:
        session = f"{visit.base}/web/web/session"
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            async with browser.post(session, json={}) as answer:
                assert answer.status == 401
                assert (await answer.json())["error"]["code"] == "token_needed"
            async with browser.post(session, json={"token": "guess"}) as answer:
                assert answer.status == 401
                assert (await answer.json())["error"]["code"] == "wrong_token"
            async with browser.post(session, json={"token": TOKEN}) as answer:
                chat = (await answer.json())["chat"]
                cookie = answer.headers["Set-Cookie"]
            async with browser.post(session, json={}) as answer:
                assert (await answer.json())["chat"] == chat
            url = f"{visit.base}/web/web/chats/{chat}/messages"
            async with browser.post(url, json={"id": "cookie-01", "text": "hi"}) as answer:
                assert answer.status == 202
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert chat not in cookie
        assert chat != visit.chat.chat

    async def test_a_new_token_shuts_old_cookies_out_and_lets_their_owners_back_in(
        self, visit: Visit, serve: Callable[..., Any]
    ) -> None:
        jar = aiohttp.CookieJar(unsafe=True)
        async with aiohttp.ClientSession(cookie_jar=jar) as browser:
            async with browser.post(
                f"{visit.base}/web/web/session", json={"token": TOKEN}
            ) as answer:
                chat = (await answer.json())["chat"]
            renewed = WebAdapter(
                "web", WebSettings(token=SecretStr("new")), FakeHost(visit.transcript)
            )
            await renewed.open()
            port = int(visit.base.rpartition(":")[2])
            async with serve(renewed.routes()) as base:
                # cookies are kept by port; a restarted daemon has the same one
                headers = {"Host": f"127.0.0.1:{port}"}
                session = f"{base}/web/web/session"
                async with browser.post(session, json={}, headers=headers) as answer:
                    assert answer.status == 401
                async with browser.post(session, json={"token": "new"}, headers=headers) as answer:
                    assert (await answer.json())["chat"] == chat
            await renewed.close()

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Origin": "https://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": "http://[::1"}, 403),
            ({"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}, 403),
            ({"Sec-Fetch-Site": "same-site"}, 403),
            ({"Content-Type": "text/plain"}, 415),
            ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
            ({"Sec-Fetch-Site": "same-origin"}, 202),
        ],
    )
    async def test_another_site_cannot_write(
        self, visit: Visit, headers: dict[str, str], status: int
    ) -> None:
        body = json.dumps({"id": "cross-site-1", "text": "hi"}).encode()
        headers = visit.headers | {"Content-Type": "application/json"} | headers
        async with visit.http.post(f"{visit.url}/messages", data=body, headers=headers) as answer:
            assert answer.status == status

    async def test_an_open_page_answers_only_to_its_own_names(
        self, transcript: MemoryTranscript, http: aiohttp.ClientSession, serve: Callable[..., Any]
    ) -> None:
        host = FakeHost(transcript, public_url="https://chat.example")
        adapter = WebAdapter("web", WebSettings(access="open"), host)
        await adapter.open()
        async with serve(adapter.routes()) as base:
            for name, status in (
                ("127.0.0.1:8080", 200),
                ("localhost:8080", 200),
                ("[::1]:8080", 200),
                ("[::1]", 200),
                ("chat.example", 200),
                ("evil.example:8080", 403),
            ):
                async with http.post(
                    f"{base}/web/web/session", json={}, headers={"Host": name}
                ) as answer:
                    assert answer.status == status, name
                    cookie = answer.headers.get("Set-Cookie", "")
                    assert ("Secure" in cookie) == (name == "chat.example")
        assert adapter.login_url("http://127.0.0.1:8080") == "http://127.0.0.1:8080/"
        await adapter.close()

    async def test_a_public_url_may_be_written_in_capitals(
        self, transcript: MemoryTranscript, http: aiohttp.ClientSession, serve: Callable[..., Any]
    ) -> None:
        host = FakeHost(transcript, public_url="https://Chat.Example")
        adapter = WebAdapter("web", WebSettings(access="open"), host)
        await adapter.open()
        async with serve(adapter.routes()) as base:
            session, headers = f"{base}/web/web/session", {"Host": "chat.example"}
            async with http.post(session, json={}, headers=headers) as answer:
                assert answer.status == 200
                assert "Secure" in answer.headers["Set-Cookie"]
        await adapter.close()

    async def test_the_cookie_is_secure_behind_a_proxy_that_changes_the_host(
        self, visit: Visit
    ) -> None:
        headers = {"Sec-Fetch-Site": "same-origin", "Origin": "https://chat.example"}
        async with visit.http.post(
            f"{visit.base}/web/web/session", json={"token": TOKEN}, headers=headers
        ) as answer:
            assert "Secure" in answer.headers["Set-Cookie"]

    def test_blanks_around_a_token_do_not_count(self) -> None:
        token = WebSettings.model_validate({"token": " abc\n"}).token
        assert token is not None
        assert token.get_secret_value() == "abc"

    async def test_a_token_is_made_and_kept_where_none_is_configured(self) -> None:
        host = FakeHost()
        first, second = (WebAdapter("web", WebSettings(), host) for _ in range(2))
        await first.open()
        await second.open()
        link = first.login_url("http://127.0.0.1:8080/")
        assert link == f"http://127.0.0.1:8080/#token={host.secrets['token']}"
        assert second.login_url("http://127.0.0.1:8080/") == link


class TestPage:
    @pytest.mark.parametrize("path", ["/", "/web/web/"])
    async def test_the_page_is_fenced_in(self, visit: Visit, path: str) -> None:
        async with visit.http.get(visit.base + path) as answer:
            assert answer.status == 200
            assert answer.content_type == "text/html"
            text = await answer.text()
            policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "Sunny &lt;b&gt;" in text
        assert "{{" not in text

    async def test_the_address_without_its_slash_leads_to_the_page(self, visit: Visit) -> None:
        async with visit.http.get(f"{visit.base}/web/web") as answer:
            assert answer.status == 200
            assert str(answer.url) == f"{visit.base}/web/web/"

    async def test_every_file_is_served_and_kept_by_the_browser(self, visit: Visit) -> None:
        for name in set(load()) - {"index.html"}:
            url = f"{visit.base}/web/web/page/{name}"
            async with visit.http.get(url) as answer:
                assert answer.status == 200
                etag = answer.headers["ETag"]
            async with visit.http.get(url, headers={"If-None-Match": etag}) as answer:
                assert answer.status == 304

    @pytest.mark.parametrize("name", ["../adapter.py", "%2e%2e/adapter.py", "nothing.js"])
    async def test_nothing_else_is_served(self, visit: Visit, name: str) -> None:
        async with visit.http.get(f"{visit.base}/web/web/page/{name}") as answer:
            assert answer.status == 404

    def test_files_name_no_package_registry(self) -> None:
        for name, file in load().items():
            text = file.body.decode(errors="replace")
            for host in ("npmjs" + ".org", "unpkg" + ".com", "jsdelivr" + ".net"):
                assert host not in text, name


class TestPureParts:
    def test_the_adapter_is_found_through_its_platform(self) -> None:
        assert PLATFORM.settings is WebSettings
        assert PLATFORM.adapter == f"{WebAdapter.__module__}:{WebAdapter.__name__}"

    @pytest.mark.parametrize(
        ("old", "new", "shared"),
        [("", "", 0), ("a", "ab", 1), ("ab", "a", 1), ("axc", "ayc", 1), ("x", "y", 0)],
    )
    def test_common_prefix(self, old: str, new: str, shared: int) -> None:
        assert common_prefix(old, new) == shared

    def test_a_plain_page_is_shown_literally(self) -> None:
        assert literal("*a* <b> `c`") == r"\*a\* \<b\> \`c\`"
        assert literal("    indented") == "\u00a0" * 4 + "indented"

    async def test_a_reference_that_was_never_ours_is_gone(self, visit: Visit) -> None:
        with pytest.raises(Gone):
            await visit.adapter.edit(MessageRef(visit.chat, "1-2"), Page("x"))
        with pytest.raises(Gone):
            await visit.adapter.send(ChatRef("web", "web", "nobody"), Page("x"), key="k")


def test_vendored_files_have_their_licences() -> None:
    folder = Path(__file__).parents[2] / "adapters" / "web" / "page" / "vendor"
    for file in folder.glob("*.js"):
        assert (folder / f"{file.stem}.LICENSE").is_file()
        assert f"`{file.name}`" in (folder / "VERSIONS.md").read_text()
