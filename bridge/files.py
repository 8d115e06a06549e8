"""The files of a question, from the platform to Coze: piece by piece, each once.

A file that cannot go on costs the user one sentence; what they wrote is asked all the same.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from bridge.adapter import Adapter, BringsFiles, Download
from bridge.attachments import MB, Passed, Refused, Why, judge
from bridge.clean import clean
from bridge.config import AgentSettings
from bridge.errors import BridgeError, Exhausted, Gone, Permanent, Transient, Unauthorised
from bridge.events import Attachment, ChatRef
from bridge.flow.retry import backoff
from bridge.logs import get
from bridge.phrases import Phrase, say
from bridge.store.files import SPEECH, StoredFile, StoredFiles
from bridge.store.sessions import Session
from bridge.store.turns import Turn
from bridge.text.markdown import literal
from bridge.text.reply import Reply
from bridge.upstream import Agent, Asking, Part, PartKind, Upload

log = get(__name__)

AT_ONCE = 3  # files of one question that are read at the same time
TRIES = 3  # in one run
LONGEST_WAIT = 30.0  # seconds between two of them
PATIENT_RUNS = 3  # runs that a platform may need to hand a file out; then it is done without

_REMARKS: Mapping[Why, Phrase] = {
    Why.TOO_LARGE: Phrase.FILE_TOO_LARGE,
    Why.EMPTY: Phrase.FILE_EMPTY,
    Why.FORMAT: Phrase.FILE_FORMAT,
    Why.ANIMATED: Phrase.FILE_ANIMATED,
    Why.VOICE_OFF: Phrase.FILE_VOICE_OFF,
    Why.WITHHELD: Phrase.FILE_WITHHELD,
    Why.GONE: Phrase.FILE_GONE,
    Why.UNREADABLE: Phrase.FILE_UNREADABLE,
    Why.NOT_TAKEN: Phrase.FILE_NOT_TAKEN,
    Why.NOT_HEARD: Phrase.FILE_NOT_HEARD,
}


@dataclass(frozen=True, slots=True)
class Brought:
    """A question with all that came with it.

    asking: what to ask; None if nothing of it is left. title: a name for its conversation.
    heard, remarks: as in `Reply`.
    """

    asking: Asking | None
    title: str = ""
    heard: str = ""
    remarks: tuple[str, ...] = ()

    def beside(self, reply: Reply) -> Reply:
        """The answer, together with what has to be said of the question."""
        return replace(reply, heard=self.heard, remarks=self.remarks)

    @property
    def question(self) -> Asking:
        """What to ask, where there is something left to ask."""
        assert self.asking is not None  # noqa: S101  whoever comes here has looked
        return self.asking

    def refusal(self) -> Reply:
        """Why there is nothing to ask."""
        return Reply.saying("\n\n".join(self.remarks))


@dataclass(frozen=True, slots=True)
class _Sent:
    """One file of a question, and what was decided of it before it was read."""

    number: int
    chat: ChatRef
    attachment: Attachment
    judged: Passed | Refused


class _Unread(Transient):
    """The platform did not give the file; not the fault of whoever was to get it."""


class _TooLarge(Permanent):
    """It is larger than anybody said."""


class Files:
    """Raises `Transient` (again later), `Unauthorised`, `Exhausted` of Coze; database errors."""

    def __init__(
        self,
        stored: StoredFiles,
        *,
        adapters: Mapping[str, Adapter],
        agents: Mapping[str, Agent],
        settings: Mapping[str, AgentSettings],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._stored = stored
        self._adapters = adapters
        self._agents = agents
        self._settings = settings
        self._sleep = sleep

    def words(self, turn: Turn, said: str) -> Brought:
        """A question that came without files. said: its words."""
        return _brought(turn, said, (), {})

    async def bring(self, turn: Turn, session: Session, said: str) -> Brought:
        """Bring every file of a question to Coze. said: the words of the question.

        One that was brought by an earlier run, or when the question was asked before, is not
        brought again; nothing is, once the question was asked.
        """
        sent = self._sent(turn, session)
        known = await self._known(turn) if sent else {}
        if turn.trace is None:
            known = {**known, **await self._bring(turn, session, known, sent)}
        return _brought(turn, said, sent, known)

    async def _known(self, turn: Turn) -> dict[int, StoredFile]:
        """What is at Coze already; what it did not take then, it may take now."""
        own = await self._stored.of(turn.id)
        if turn.again is None or turn.event.attachments:  # which may have changed with an edit
            return own
        first = await self._stored.of(turn.again)
        return {**{number: it for number, it in first.items() if not it.refused}, **own}

    def _sent(self, turn: Turn, session: Session) -> list[_Sent]:
        voice = self._settings[session.agent].voice
        # Each once: a changed message tells of its files again.
        every = dict.fromkeys(
            (each.chat, file) for each in turn.events for file in each.attachments
        )
        return [
            _Sent(number, chat, file, judge(file, largest=self._largest(chat), voice=voice))
            for number, (chat, file) in enumerate(every)
        ]

    def _largest(self, chat: ChatRef) -> float:
        return self._adapters[chat.account].caps.max_download

    async def _bring(
        self, turn: Turn, session: Session, known: Mapping[int, StoredFile], sent: Sequence[_Sent]
    ) -> dict[int, StoredFile]:
        agent = self._agents[session.agent].of(session.uid)
        room = asyncio.Semaphore(AT_ONCE)

        async def bring(one: _Sent, passed: Passed) -> tuple[int, StoredFile]:
            async with room:
                file = await self._patiently(turn, agent, one, passed)
            await self._stored.keep(turn, one.number, file)
            return one.number, file

        works = [
            bring(one, one.judged)
            for one in sent
            if isinstance(one.judged, Passed) and one.number not in known
        ]
        # All of them first, so that what did arrive is known to the next run.
        ends = await asyncio.gather(*works, return_exceptions=True)
        for end in ends:
            if isinstance(end, BaseException):
                raise end
        return dict(end for end in ends if not isinstance(end, BaseException))

    async def _patiently(self, turn: Turn, agent: Agent, one: _Sent, passed: Passed) -> StoredFile:
        """Bring one file, again from its beginning where that may help."""
        attempt = 1
        while True:
            try:
                return await self._once(agent, one, passed)
            except Transient as error:
                log.warning("file.delayed", turn=turn.id, file=one.number, error=str(error))
                wait = backoff(attempt) if error.retry_after is None else error.retry_after
                if attempt >= TRIES or wait > LONGEST_WAIT:
                    if isinstance(error, _Unread) and turn.retries >= PATIENT_RUNS:
                        return StoredFile(refused=Why.UNREADABLE)
                    raise
            attempt += 1
            await self._sleep(wait)

    async def _once(self, agent: Agent, one: _Sent, passed: Passed) -> StoredFile:
        adapter = self._adapters[one.chat.account]
        if not isinstance(adapter, BringsFiles):
            return StoredFile(refused=Why.WITHHELD)
        async with AsyncExitStack() as stack:
            try:
                opening = adapter.fetch(one.chat, one.attachment)
                download = await stack.enter_async_context(opening)
            except BridgeError as error:
                return _unread(error)
            size = one.attachment.size if download.size is None else download.size
            if size is not None and size > passed.limit:
                return StoredFile(refused=Why.TOO_LARGE)
            reading = _Reading(download, passed.limit)
            upload = Upload(passed.name, reading.pieces(), size, one.attachment.mime)
            try:
                return await _hand_over(agent, upload, passed.kind)
            except BridgeError as error:
                return _unread(reading.error) if reading.error else _not_taken(error)


class _Reading:
    """The pieces of a file. error: what went wrong in reading, which who sends it may disguise."""

    def __init__(self, download: Download, limit: float) -> None:
        self._content = download.content
        self._limit = limit
        self.error: BridgeError | None = None

    async def pieces(self) -> AsyncIterator[bytes]:
        size = 0
        try:
            async for piece in self._content:
                size += len(piece)
                if size > self._limit:
                    raise _TooLarge("larger than it said")
                yield piece
        except BridgeError as error:
            self.error = error
            raise


async def _hand_over(agent: Agent, upload: Upload, kind: PartKind | None) -> StoredFile:
    if kind is not None:
        return StoredFile(kind, await agent.upload(upload))
    heard = clean(await agent.transcribe(upload)).strip()
    return StoredFile(SPEECH, heard) if heard else StoredFile(refused=Why.NOT_HEARD)


def _unread(error: BridgeError) -> StoredFile:
    """What it means that the platform did not hand a file out. Raises `_Unread`: again."""
    if isinstance(error, Transient):
        raise _Unread(error.message, code=error.code, retry_after=error.retry_after) from error
    # A key that may not read files may still do all the rest, so the account goes on.
    log.warning("file.not_read", error=str(error))
    match error:
        case _TooLarge():
            return StoredFile(refused=Why.TOO_LARGE)
        case Gone():
            return StoredFile(refused=Why.GONE)
        case _:
            return StoredFile(refused=Why.WITHHELD)


def _not_taken(error: BridgeError) -> StoredFile:
    """What it means that Coze did not take a file; raises what concerns more than the file."""
    if isinstance(error, Transient | Unauthorised | Exhausted):
        raise error
    log.warning("file.not_taken", error=str(error))
    return StoredFile(refused=Why.NOT_TAKEN)


def _brought(
    turn: Turn, said: str, sent: Sequence[_Sent], known: Mapping[int, StoredFile]
) -> Brought:
    language = turn.event.user.language
    went = [known[one.number] for one in sent if one.number in known]
    parts = tuple(
        Part(PartKind(file.kind), file.content) for file in went if file.kind not in ("", SPEECH)
    )
    heard = "\n".join(file.content for file in went if file.kind == SPEECH)
    remarks = tuple(_remark(one, known.get(one.number), language) for one in sent)
    text = "\n".join(filter(None, (said, heard)))
    if not text and parts and not any(part.kind is PartKind.AUDIO for part in parts):
        text = say(Phrase.FILE_ALONE, language)
    place = next((event.place for event in turn.events if event.place), None)
    return Brought(
        Asking(text, parts, place) if text or parts or turn.trace else None,
        title=said or heard or _first_name(sent),
        heard=heard,
        remarks=tuple(filter(None, remarks)),
    )


def _first_name(sent: Sequence[_Sent]) -> str:
    return next((one.judged.name for one in sent if isinstance(one.judged, Passed)), "")


def _remark(one: _Sent, file: StoredFile | None, language: str) -> str:
    """The sentence for a file that did not go on; empty for one that did."""
    judged = one.judged
    if isinstance(judged, Refused):
        why = judged.why
    elif file is not None and file.refused:
        why = Why(file.refused)
    else:
        return ""
    limit = f"{judged.limit / MB:.0f}" if judged.limit != float("inf") else ""
    return say(_REMARKS[why], language, name=literal(judged.name), limit=limit)
