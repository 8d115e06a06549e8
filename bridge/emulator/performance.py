"""A chat being played: steps become state at Coze, and frames on a tape."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import isinf
from typing import assert_never

from bridge.emulator.frames import Deltas, Frames
from bridge.emulator.ids import Ids
from bridge.emulator.scenario import Cut, Quirk
from bridge.emulator.state import Call, Chat, Conversation, Message, Status, Usage
from bridge.emulator.steps import (
    Aside,
    Audio,
    Begin,
    Break,
    Complete,
    Delta,
    Done,
    Fail,
    Hush,
    Lines,
    NullDelta,
    Raw,
    Step,
    Tools,
    Wait,
    Whole,
)
from bridge.emulator.tape import Tape
from bridge.emulator.views import chat_view, message_view, streamed_view


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a performance needs of the emulator.

    clock: seconds since 1970. changed: called after everything a test may wait for.
    """

    ids: Ids
    clock: Callable[[], float]
    changed: Callable[[], None]


class Performance:
    """Plays the steps of one turn. It can be cancelled and played on later."""

    def __init__(
        self,
        chat: Chat,
        conversation: Conversation,
        steps: tuple[Step, ...],
        frames: Frames,
        around: Surroundings,
    ) -> None:
        self.chat = chat
        self.tape = Tape()
        self._conversation = conversation
        self._steps = steps
        self._frames = frames
        self._around = around
        self._next = 0
        self._messages: dict[int, tuple[Message, Deltas]] = {}

    def begin(self) -> None:
        """Play the first step at once: whoever asks next is told `in_progress`.

        The official SDK takes `created` for the end of a chat when it polls.
        """
        self._perform(self._steps[0])
        self._next = 1

    async def play(self) -> None:
        """Play from where the last play ended. The tape has ended afterwards."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        while self._next < len(self._steps):
            step = self._steps[self._next]
            if isinstance(step, Wait):
                due = await self._wait(due, step.seconds)
            else:
                self._perform(step)
            self._next += 1
        self.tape.end()

    async def _wait(self, due: float, seconds: float) -> float:
        """Wait until `seconds` after `due`, so that late wake-ups do not add up."""
        if isinf(seconds):
            await asyncio.Event().wait()
        loop = asyncio.get_running_loop()
        due = max(due + seconds, loop.time())  # what is later than a whole pause stays late
        await asyncio.sleep(due - loop.time() if seconds else 0)
        return due

    def _perform(self, step: Step) -> None:
        match step:
            case Delta():
                self._say(step)
            case Whole():
                self._complete_message(step)
            case Aside():
                self._aside(step)
            case Begin() | Tools() | Complete() | Fail() | Done():
                self._turn(step)
            case _:
                self._on_the_wire(step)

    # what is said

    def _line(self, number: int) -> tuple[Message, Deltas]:
        if number not in self._messages:
            message = self._message("answer", "")
            self._messages[number] = message, Deltas(self._frames, message)
        return self._messages[number]

    def _message(self, kind: str, content: str, role: str = "assistant") -> Message:
        now = int(self._around.clock())
        return Message(
            id=self._around.ids.next(),
            conversation_id=self.chat.conversation_id,
            section_id=self.chat.section_id,
            chat_id=self.chat.id,
            bot_id=self.chat.bot_id,
            role=role,
            type=kind,
            content=content,
            created_at=now,
            updated_at=now,
        )

    def _say(self, step: Delta) -> None:
        _, deltas = self._line(step.line)
        if step.text:
            self._note_delta()
        self.tape.put(
            deltas.reasoning(step.reasoning) if step.reasoning else deltas.text(step.text)
        )

    def _note_delta(self) -> None:
        self.chat.deltas += 1
        if self.chat.first_delta_at is None:
            self.chat.first_delta_at = self._around.clock()
            self.chat.first_delta_mono = time.monotonic()
        self._around.changed()

    def _complete_message(self, step: Whole) -> None:
        message, _ = self._line(step.line)
        whole = replace(
            message,
            content=step.text,
            reasoning=step.reasoning,
            content_type=step.content_type,
        )
        self._keep(whole)
        if not self.chat.cancelled and self.chat.kept:
            self._conversation.messages.append(whole)
        if step.shown:
            self._show(whole)

    def _aside(self, step: Aside) -> None:
        message = self._message(step.type, step.content, step.role)
        self._keep(message)
        self._show(message)

    def _keep(self, message: Message) -> None:
        self.chat.messages.append(message)

    def _show(self, message: Message) -> None:
        body = streamed_view(message, self._frames.quirks, whole=True)
        self._put("conversation.message.completed", body)

    def _put(self, event: str, body: dict[str, object]) -> None:
        self.tape.put(self._frames.event(event, body))

    # what becomes of the chat

    def _turn(self, step: Begin | Tools | Complete | Fail | Done) -> None:
        match step:
            case Begin():
                self._begin(step)
            case Tools():
                self._require(step)
            case Complete():
                self._complete(step)
            case Fail():
                self._fail(step)
            case Done():
                debug = f"https://www.coze.cn/work_flow?execute_id={self.chat.id}"
                self.tape.put(self._frames.last(debug if self.chat.workflow else ""))
            case _ as never:
                assert_never(never)

    def _begin(self, step: Begin) -> None:
        if not step.resumed:
            self._tell("created")
        self._become(Status.IN_PROGRESS)
        self._tell("in_progress")

    def _require(self, step: Tools) -> None:
        self.chat.calls = tuple(
            Call(self._around.ids.next(), each.name, each.arguments) for each in step.calls
        ) or (Call("", function=False),)
        self._end(Status.REQUIRES_ACTION)

    def _complete(self, step: Complete) -> None:
        self.chat.usage = self._count()
        self.chat.completed_at = int(self._around.clock())
        self._end(Status.COMPLETED, shown=step.shown)

    def _count(self) -> Usage:
        said = sum(len(m.content.split()) for m in self.chat.messages if m.type == "answer")
        return Usage(len(self.chat.text.split()) + 8, max(said, self.chat.deltas))

    def _fail(self, step: Fail) -> None:
        self._next = len(self._steps)
        self.chat.error = step.trouble
        self.chat.failed_at = int(self._around.clock())
        self._end(Status.FAILED, shown=not step.as_event)
        if step.as_event:
            self._put("error", {"code": step.trouble.code, "msg": step.trouble.msg})

    def _end(self, status: Status, *, shown: bool = True) -> None:
        """The chat has ended, one way or the other. A cancelled one stays cancelled."""
        if self.chat.cancelled:
            # ? in no source: that a stream which outlives its cancellation ends like this.
            self._tell("canceled")
            return
        self._become(status)
        if shown:
            self._tell(status.value)

    def _become(self, status: Status) -> None:
        if self.chat.cancelled:
            return
        self.chat.status = status
        if not status.running:
            self.chat.finished_at = self._around.clock()
            if self._conversation.running == self.chat.id:
                self._conversation.running = ""
        self._around.changed()

    def _tell(self, event: str) -> None:
        if event == "canceled" and Quirk.STUDIO_SPELLING in self._frames.quirks:
            event = "cancelled"
        self._put(f"conversation.chat.{event}", chat_view(self.chat, self._frames.quirks))

    def cancel(self) -> None:
        """Mark the chat as cancelled. Its stream goes on, unless a quirk says otherwise."""
        self._become(Status.CANCELED)
        self.chat.cancelled = True
        if Quirk.CANCEL_ENDS_STREAM in self._frames.quirks:
            self._next = len(self._steps)
            self._tell("canceled")
            self.tape.put(self._frames.last())
            self.tape.end()
            self.tape.hush()

    # what only the connection sees

    def _on_the_wire(self, step: NullDelta | Raw | Lines | Audio | Break | Hush | Wait) -> None:
        match step:
            case NullDelta():
                self.tape.put(self._line(step.line)[1].null())
            case Raw():
                self.tape.put(self._frames.frame(step.event, step.data))
            case Lines():
                self.tape.put(self._frames.lines(step.text))
            case Audio():
                sound = replace(self._message("answer", step.content), content_type="audio")
                self._put("conversation.audio.delta", message_view(sound))
            case Break():
                self._break(step.cut)
            case Hush():
                self.tape.hush()
            case Wait():
                raise AssertionError("waiting is done in play")
            case _ as never:
                assert_never(never)

    def _break(self, cut: Cut) -> None:
        if cut in (Cut.MID_FRAME, Cut.RESET):
            frame = self._line(max(0, len(self._messages) - 1))[1].text(self._coming() or "…")
            self.tape.put(frame[: len(frame) * 2 // 3])
        self.tape.cut(cut)

    def _coming(self) -> str:
        """Return the text of the next delta, which the cut frame begins to tell."""
        later = self._steps[self._next :]
        return next((step.text for step in later if isinstance(step, Delta) and step.text), "")
