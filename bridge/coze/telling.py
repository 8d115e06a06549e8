"""A stream of frames becomes the walk of `bridge.upstream` events: pure, one `Telling` a stream.

Coze's stream is nearly that walk. The rest is here: what is not for the user is dropped, what
is missing is supplied (an id, the end of the visible text), what comes twice is told once.
"""

from base64 import b64decode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter

from bridge.clean import clean
from bridge.coze.codes import error_for, may_have_run
from bridge.coze.increments import Increment, increments
from bridge.coze.readable import options, readable, streams_as_text
from bridge.coze.sse import Frame
from bridge.coze.wire import (
    Chat,
    Message,
    Status,
    chat,
    decode,
    ends_visible_text,
    message,
    number,
    parse,
    reason,
    status,
    word,
)
from bridge.errors import Unreachable
from bridge.upstream import (
    MADE_UP,
    AnswerEvent,
    Cancelled,
    Delta,
    Failed,
    Finished,
    Needs,
    Said,
    Sounded,
    Spoken,
    Started,
    Suggested,
    Using,
)

_CHAT = "conversation.chat."
_DELTA = "conversation.message.delta"
_LONGEST_TOOL = 60  # characters of its name
_AUDIO = "conversation.audio.delta"
_DONE = ("[DONE]", '"[DONE]"')


@dataclass(slots=True)
class _Part:
    """One message of the answer while it is being said.

    half: the first half of a character whose second half comes with the next increment.
    """

    id: str
    content_type: str = ""
    texts: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    half: str = ""
    said: Said | None = None

    @property
    def text(self) -> str:
        return readable(self.content_type, "".join(self.texts))

    def add(self, content: str) -> str:
        """Take an increment; return what of it is whole characters."""
        content, self.half = self.half + content, ""
        if content and "\ud800" <= content[-1] <= "\udbff":
            content, self.half = content[:-1], content[-1]
        content = clean(content)
        if content:
            self.texts.append(content)
        return content


class Telling:
    """Folds frames into events, in order, and knows when the answer is over.

    conversation_id: the one asked in, for streams that do not repeat it.
    logid: of the response, for errors told inside the stream.
    after: the step that the chat goes on from, where it was told before that it started.
    sounds: a spoken answer may come; its last words do after the end of the chat.
    debug_url: where its author can see each step of a workflow, once the stream has told.
    """

    def __init__(
        self,
        conversation_id: str,
        logid: str | None = None,
        *,
        after: str = "",
        sounds: bool = False,
    ) -> None:
        self._conversation_id = conversation_id
        self._logid = logid
        self._after = after
        self._started = False
        self._spoken = False
        self._parts: dict[str, _Part] = {}
        self._suggested: set[str] = set()
        self._options: tuple[str, ...] = ()
        self.sounds = sounds
        self.is_over = False
        self.has_begun_to_speak = False
        self.debug_url = ""
        self._steps: dict[str, Callable[[str], list[AnswerEvent]]] = {
            "conversation.message.completed": self._completed,
            _AUDIO: self._sound,
            "error": self._error,
            "done": self._done,
            "Done": self._done,
            "conversation.stream.done": self._done,
        }

    def take(self, frames: Iterable[Frame]) -> Iterator[AnswerEvent]:
        """Tell what these frames add: often nothing; after the terminal event, sounds at most.

        Raises `Unreachable(happened=True)` when the stream says it is done and nothing was
        answered: the answer has to be looked up. Raises by code for an error that comes before
        anything else: the question was refused.
        """
        for event, alike in groupby(frames, key=attrgetter("event")):
            if event == _DELTA and not self.is_over:
                for piece in increments([frame.data for frame in alike]):
                    yield from self._delta(piece)
            else:
                for frame in alike:
                    yield from self._take(frame)

    def _take(self, frame: Frame) -> list[AnswerEvent]:
        if '"debug_url"' in frame.data:
            self.debug_url = word(parse(frame.data), "debug_url")
        if self.is_over:
            return self._sound(frame.data) if self.sounds and frame.event == _AUDIO else []
        step = self._steps.get(frame.event)
        if step is not None:
            return step(frame.data)
        if frame.event.startswith(_CHAT):
            return self._chat(status(frame.event.removeprefix(_CHAT)), frame.data)
        if frame.event == "message" and frame.data in _DONE:  # relays leave the name out
            return self._done(frame.data)
        return []

    def _chat(self, told: Status, data: str) -> list[AnswerEvent]:
        if told is Status.UNKNOWN or (self._started and not told.is_over):
            return []
        news = chat(parse(data), self._logid)
        events = self._start(news.conversation_id, news.id)
        if told.is_over:
            # An event may be named "completed" and carry a chat that was cancelled.
            events += self._finish(news.status if news.status.is_over else told, news)
        return events

    def _start(self, conversation_id: str, chat_id: str) -> list[AnswerEvent]:
        if self._started:
            return []
        self._started = True
        if self._after:
            return []
        return [Started(conversation_id or self._conversation_id, chat_id)]

    def _finish(self, how: Status, news: Chat) -> list[AnswerEvent]:
        self.is_over = True
        if how is Status.COMPLETED:
            return [*self._speak(), *self._offer(), Finished(news.usage)]
        return [ending(how, news, self._options)]

    def _delta(self, piece: Increment) -> list[AnswerEvent]:
        if not _is_answer(piece):
            return []
        events = self._start(piece.conversation_id or "", piece.chat_id or "")
        part = self._part(piece.id or "", piece.content or "")
        if part.said is not None:  # the whole text is known already
            return events
        part.content_type = piece.content_type or ""
        text, thought = part.add(piece.content or ""), clean(piece.reasoning_content or "")
        if thought:
            part.reasons.append(thought)
        if streams_as_text(part.content_type) and (text or thought):
            self.has_begun_to_speak = True
            events.append(Delta(part.id, text, thought))
        return events

    def _completed(self, data: str) -> list[AnswerEvent]:
        whole = message(parse(data))
        events = self._start(whole.conversation_id, whole.chat_id) if whole.type else []
        match whole.type:
            case "answer":
                return events + self._say(self._part(whole.id, whole.content, whole=True), whole)
            case "" if self._is_streaming(whole):
                return self._say(self._part(whole.id, whole.content, whole=True), whole)
            case "verbose" if ends_visible_text(whole):
                return events + self._speak()
            case "follow_up":
                return events + self._suggest(clean(whole.content).strip())
            case "function_call" if not self._spoken:
                return [*events, *using(whole)]
            case _:
                return events

    def _say(self, part: _Part, whole: Message) -> list[AnswerEvent]:
        """Tell the final text of a part; without one, what was streamed stands."""
        part.content_type = whole.content_type or part.content_type
        self._options = options(whole) or self._options
        text = readable(part.content_type, whole.content) or part.text
        thought = clean(whole.reasoning) or "".join(part.reasons)
        said = Said(part.id, text, thought)
        if said == part.said or not (text or thought):
            return []
        part.said = said
        return [said]

    def _speak(self) -> list[AnswerEvent]:
        """End the visible text, once; what was only streamed is whole now."""
        events: list[AnswerEvent] = []
        for part in self._parts.values():
            if part.said is None and (part.texts or part.reasons):
                part.said = Said(part.id, part.text, "".join(part.reasons))
                events.append(part.said)
        if not self._spoken:
            self._spoken = True
            events.append(Spoken())
        return events

    def _suggest(self, text: str) -> list[AnswerEvent]:
        if not text or text in self._suggested:
            return []
        self._suggested.add(text)
        return [*([] if self._spoken else self._speak()), Suggested(text)]

    def _offer(self) -> list[AnswerEvent]:
        """Suggest what a card offered, where the chat ended without waiting for a reply."""
        return [event for text in self._options for event in self._suggest(text)]

    def _sound(self, data: str) -> list[AnswerEvent]:
        """Tell a piece of the spoken answer; one that cannot be decoded is skipped."""
        piece = message(parse(data))
        try:
            sound = b64decode(piece.content, validate=True)
        except ValueError:  # not base64, or not even ASCII
            return []
        if not sound:
            return []
        self.sounds = True
        return [*self._start(piece.conversation_id, piece.chat_id), Sounded(sound)]

    def _error(self, data: str) -> list[AnswerEvent]:
        """Nothing follows an error: no chat.failed, no done (coze-studio).

        One that comes first refuses the question, as a JSON body would have, and is raised.
        """
        self.is_over = True
        news = parse(data)
        msg = reason(news) if news or decode(data) is not None else data[:500]
        code = number(news, "code") or number(news, "error_code") or None
        ran = self._started or may_have_run(code, 200)
        error = error_for(code, clean(msg), self._logid, happened=ran)
        if not self._started:
            raise error
        return [Failed(error)]

    def _done(self, _data: str) -> list[AnswerEvent]:
        """End without chat.completed: enough, if all that was begun was said to its end."""
        self.is_over = True
        parts = self._parts.values()
        if not parts or any(part.said is None for part in parts):
            raise Unreachable(
                "the stream is done without an answer", logid=self._logid, happened=True
            )
        return [*self._speak(), Finished(None)]

    def _is_streaming(self, whole: Message) -> bool:
        """Tell whether an untyped message is one we saw as increments; others may be notes."""
        open_part = self._open()
        return whole.id in self._parts or (not whole.id and open_part is not None)

    def _open(self) -> _Part | None:
        """Return the newest part that is not whole yet."""
        return next((part for part in reversed(self._parts.values()) if part.said is None), None)

    def _part(self, message_id: str, content: str, *, whole: bool = False) -> _Part:
        """Find the part a message belongs to, or begin one.

        Without an id it is the open one. Some relays give the whole message another id than
        its increments had: then it is the open one as well, if they read alike.
        """
        if known := self._parts.get(message_id):
            return known
        open_part = self._open()
        if open_part and (not message_id or (whole and _alike(open_part.text, content))):
            return open_part
        part = _Part(message_id or f"{MADE_UP}{self._after}{len(self._parts) + 1}")
        self._parts[part.id] = part
        return part


def ending(how: Status, news: Chat, offered: tuple[str, ...] = ()) -> AnswerEvent:
    """Say how a chat ended that was not completed. offered: by its last card."""
    match how:
        case Status.CANCELED:
            return Cancelled()
        case Status.REQUIRES_ACTION:
            return Needs(news.calls, () if news.calls else offered)
        case _:
            return Failed(error_for(news.error_code, news.error_msg, news.logid, happened=True))


def using(call: Message) -> list[AnswerEvent]:
    """Tell which tool is used, never what for.

    `name` is made up of all the others ("ts-weather-get_weather"), so it is the last resort.
    """
    told = parse(call.content)
    names = (clean(word(told, key)) for key in ("api_name", "plugin_name", "name"))
    name = next((" ".join(each.split())[:_LONGEST_TOOL] for each in names if each.strip()), "")
    return [Using(name)] if name else []


def _is_answer(piece: Increment) -> bool:
    """Tell whether an increment is for the user; some servers leave the type out."""
    return piece.type == "answer" or (not piece.type and piece.role in ("assistant", "", None))


def _alike(streamed: str, whole: str) -> bool:
    """Tell whether these are one text, give or take the marks in which Coze's two copies differ.

    Strict about the length, because a second message may begin alike while the first one runs.
    """
    streamed, whole = streamed.strip(), whole.strip()
    slack = max(4, len(whole) // 10)
    return (
        bool(streamed and whole)
        and streamed[:12] == whole[:12]
        and abs(len(streamed) - len(whole)) <= slack
    )
