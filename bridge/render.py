"""From a `Reply` to the pages that show it. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from bridge.adapter import Capabilities
from bridge.config import AgentSettings, Reasoning
from bridge.enclosed import enclosed
from bridge.errors import BridgeError, Exhausted, Gone, Rejected, Transient
from bridge.events import Button, Page
from bridge.phrases import Phrase, say
from bridge.store.sessions import Session
from bridge.store.turns import Turn
from bridge.text.markdown import literal
from bridge.text.pages import Tail, paginate
from bridge.text.reply import Reply, State
from bridge.upstream import ConversationLost
from bridge.words import Word, command_in, spelled

_MAY_PASS = {Phrase.FAILED, Phrase.LOST, Phrase.UNREACHABLE}  # if the same is asked once more


class Renderer:
    """Knows what each agent's operator and each platform want to see.

    takes_files: the accounts to which files can be sent. most_files: of one answer.
    """

    def __init__(
        self,
        agents: Mapping[str, AgentSettings],
        caps: Mapping[str, Capabilities],
        *,
        takes_files: Collection[str] = (),
        most_files: int = 0,
    ) -> None:
        self._agents = agents
        self._caps = caps
        self._takes_files = takes_files
        self._most_files = most_files

    def __call__(
        self, turn: Turn, session: Session, reply: Reply, breaks: Sequence[int] = ()
    ) -> list[Page]:
        """Cut the answer so far into pages; all but the last are final already.

        Its files follow when it has ended.

        breaks: see `Screen.breaks`.
        """
        if reply.is_silent:
            return []
        caps = self._caps[turn.event.chat.account]
        agent = self._agents[session.agent]
        before, text = _text(turn, reply, agent, caps)
        texts = paginate(
            before + text,
            caps.max_text,
            utf16=caps.utf16,
            max_spans=caps.max_spans,
            tail=_tail(reply, caps),
            breaks=[len(before) + at for at in breaks],
        )
        pages = [Page(text, final=True) for text in texts]
        if not pages:
            return []
        buttons = _buttons(turn, reply, suggestions=agent.suggestions)[: caps.buttons]
        rates = agent.feedback and _can_be_rated(reply)
        last = replace(pages[-1], final=reply.ended, buttons=buttons, rates=rates)
        return [*pages[:-1], last, *self._files(turn, reply, agent)]

    def shows(self, turn: Turn, session: Session, reply: Reply) -> bool:
        """Whether there is anything to see of an answer yet."""
        caps = self._caps[turn.event.chat.account]
        return any(_text(turn, reply, self._agents[session.agent], caps))

    def _files(self, turn: Turn, reply: Reply, agent: AgentSettings) -> list[Page]:
        if turn.event.chat.account not in self._takes_files:
            return []
        return enclosed(turn, reply, agent, self._most_files)


def _tail(reply: Reply, caps: Capabilities) -> Tail:
    if reply.ended:
        return Tail.FINAL
    return Tail.STEADY if caps.appends else Tail.MENDED


def _text(turn: Turn, reply: Reply, agent: AgentSettings, caps: Capabilities) -> tuple[str, str]:
    """What stands before the answer's own words, and those with all that follows."""
    quote = agent.reasoning is Reasoning.QUOTE
    thoughts = [_quoted(reply.reasoning)] if quote and reply.reasoning else []
    said = spelled(reply.text, caps.command_sign) if reply.is_ours else reply.text
    after = [*_doing(turn, reply, caps), *_remarks(reply), _ending(turn, reply)]
    words = [said.rstrip(), *(spelled(part, caps.command_sign) for part in after)]
    words = [part for part in words if part]
    if not thoughts and not words:
        return "", ""
    before = [*_question(turn), *_heard(reply), *thoughts]
    return "".join(f"{part}\n\n" for part in before), "\n\n".join(words)


def _heard(reply: Reply) -> list[str]:
    """What a voice message said, as far as it was understood."""
    return [_quoted(literal(reply.heard))] if reply.heard else []


def _doing(turn: Turn, reply: Reply, caps: Capabilities) -> list[str]:
    """What the agent does while it says nothing; it cannot be taken back where text is appended."""
    if reply.ended or caps.appends or not reply.using:
        return []
    return [say(Phrase.USING, turn.event.user.language, tool=literal(reply.using))]


def _remarks(reply: Reply) -> tuple[str, ...]:
    return reply.remarks if reply.ended else ()


def _question(turn: Turn) -> list[str]:
    """What a button asked, which would be seen nowhere else; a command needs no repeating."""
    event = turn.event
    return [_quoted(event.text)] if event.pressed and command_in(event.text) is None else []


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}".rstrip() for line in text.strip().splitlines())


def _ending(turn: Turn, reply: Reply) -> str:
    """What we have to add to what the agent said, once it has ended."""
    language = turn.event.user.language
    match reply.state:
        case State.FAILED:
            return say(apology(reply.error), language, reference=turn.reference)
        case State.STOPPED:
            return say(Phrase.STOPPED, language)
        case State.COMPLETE | State.WAITING if not reply.text:
            return say(Phrase.EMPTY, language)
        case _:
            return ""


def apology(error: BridgeError | None) -> Phrase:
    """The sentence for an error; code and log id are for the operator's log alone."""
    match error:
        case Rejected():
            return Phrase.REFUSED
        case Exhausted():
            return Phrase.EXHAUSTED
        case ConversationLost():
            return Phrase.FAILED  # nothing was said in it yet that could have been lost
        case Gone():
            return Phrase.LOST
        case Transient():
            return Phrase.UNREACHABLE
        case _:
            return Phrase.FAILED


def _buttons(turn: Turn, reply: Reply, *, suggestions: bool) -> tuple[Button, ...]:
    if not reply.ended:
        return ()
    if reply.state is State.FAILED:
        return (*reply.buttons, *_another_try(turn, reply))
    offered = (*reply.options, *(reply.suggestions if suggestions else ()))
    return (*reply.buttons, *(Button(text, text) for text in offered))


def _another_try(turn: Turn, reply: Reply) -> tuple[Button, ...]:
    if not (turn.is_question and apology(reply.error) in _MAY_PASS):
        return ()
    label = say(Phrase.TRY_AGAIN, turn.event.user.language)
    return (Button(label, f"/{Word.RETRY} {turn.reference}"),)


def _can_be_rated(reply: Reply) -> bool:
    """An answer of the agent's, of which Coze has told the id."""
    return reply.state is State.COMPLETE and bool(reply.answer_id)
