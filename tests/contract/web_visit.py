"""An API client in front of the chat page, for its tests."""

import io
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp

from adapters.web.adapter import WebAdapter
from bridge.events import ChatRef
from bridge.testing.contract import Fault
from bridge.testing.transcript import MemoryTranscript

TOKEN = "a token of the operator's choice"


class Visit:
    """An API client in front of one adapter: a small program that speaks the page's HTTP."""

    def __init__(
        self,
        adapter: WebAdapter,
        transcript: MemoryTranscript,
        base: str,
        http: aiohttp.ClientSession,
        visitor: str = "visitor-0123456789abcdef",
        folder: Path = Path("nowhere"),
    ) -> None:
        self.adapter = adapter
        self.transcript = transcript
        self.base = base
        self.http = http
        self.folder = folder
        self.headers = {"X-Visitor": visitor, "Authorization": f"Bearer {TOKEN}"}
        self.chat = ChatRef("web", "web", "")

    faults = frozenset({Fault.GONE, Fault.UNREACHABLE})
    knows_repeats = True

    @property
    def url(self) -> str:
        return f"{self.base}/web/web/chats/{self.chat.chat}"

    async def enter(self) -> "Visit":
        async with self.http.post(
            f"{self.base}/web/web/session", json={}, headers=self.headers
        ) as answer:
            self.chat = ChatRef("web", "web", (await answer.json())["chat"])
        return self

    async def post(self, body: object, **headers: str) -> tuple[int, Any]:
        async with self.http.post(
            f"{self.url}/messages", json=body, headers=self.headers | headers
        ) as answer:
            return answer.status, await answer.json()

    async def deliver(self, text: str, *, event: str) -> bool:
        status, _ = await self.post({"id": event, "text": text})
        return status == 202

    async def shown(self) -> Sequence[str]:
        async with self.http.get(f"{self.url}/messages", headers=self.headers) as answer:
            entries = (await answer.json())["entries"]
        return [entry["text"] for entry in entries if entry["author"] == "bot"]

    async def upload(
        self, content: bytes, name: str, *, headers: dict[str, str] | None = None, **query: str
    ) -> tuple[int, Any]:
        sent = self.headers | {"Content-Type": "application/octet-stream"} | (headers or {})
        async with self.http.post(
            f"{self.url}/files",
            params={"name": name, **query},
            data=io.BytesIO(content),
            headers=sent,
        ) as answer:
            return answer.status, await answer.json()

    async def deliver_file(self, content: bytes, name: str, *, text: str, event: str) -> bool:
        status, file = await self.upload(content, name)
        if status != 201:
            return False
        status, _ = await self.post({"id": event, "text": text, "files": [file["id"]]})
        return status == 202

    async def lose_files(self) -> None:
        shutil.rmtree(self.folder)

    async def files_shown(self) -> Sequence[bytes]:
        async with self.http.get(f"{self.url}/messages", headers=self.headers) as answer:
            entries = (await answer.json())["entries"]
        files = [f for entry in entries if entry["author"] == "bot" for f in entry.get("files", [])]
        return [(await self.file(file["id"]))[1] for file in files]

    async def file(self, file_id: str, **headers: str) -> tuple[Any, bytes]:
        async with self.http.get(
            f"{self.url}/files/{file_id}", headers=self.headers | headers
        ) as answer:
            return answer, await answer.read()

    async def fail(self, fault: Fault) -> None:
        if fault is Fault.GONE:
            self.transcript.forget(self.chat.chat)
        else:
            self.transcript.failing = True
