"""The files that follow an answer: its words spoken, and what it shows or links to. Pure."""

from collections.abc import Sequence

from bridge.attachments import is_ogg
from bridge.config import AgentSettings, Voice
from bridge.events import Attachment, AttachmentKind, Enclosure, EnclosureKind, Page
from bridge.ogg import voice_note
from bridge.store.turns import Turn
from bridge.text.links import Linked, linked
from bridge.text.reply import Reply, State
from bridge.text.spoken import speakable

LARGEST = 1_000_000  # bytes of a spoken answer that are kept with it; about four minutes
SPOKEN = "answer.ogg"


def enclosed(turn: Turn, reply: Reply, agent: AgentSettings, most: int) -> list[Page]:
    """A page for each file. Only an answer of the agent's that has ended has any.

    most: how many pictures and files of one answer are sent.
    """
    if not reply.ended or reply.is_ours:
        return []
    files = [*_voice(turn, reply, agent), *linked(reply.text, most)]
    return [Page(one.words or one.file.name, final=True, file=one.file) for one in files]


def _voice(turn: Turn, reply: Reply, agent: AgentSettings) -> list[Linked]:
    """The answer to somebody who spoke, spoken: by the agent itself, else read aloud."""
    whole = reply.state in {State.COMPLETE, State.WAITING}
    if not agent.reply_voice_id or agent.voice is Voice.OFF or not whole or not _recordings(turn):
        return []
    if note := _own_voice(turn, reply.sounds):
        return [Linked(Enclosure(EnclosureKind.VOICE, SPOKEN, data=note))]
    words = speakable(reply.text)
    if not words:
        return []
    voice = agent.reply_voice_id
    return [Linked(Enclosure(EnclosureKind.VOICE, SPOKEN, speech=words, voice=voice))]


def _own_voice(turn: Turn, sounds: Sequence[bytes]) -> bytes:
    """What the agent said as one file; empty if it said nothing, or in a form of another kind.

    It speaks as it was spoken to: Opus where the question was Ogg Opus, and PCM else, which may
    look like Opus by accident.
    """
    if not sounds or sum(map(len, sounds)) > LARGEST or not all(map(is_ogg, _recordings(turn))):
        return b""
    try:
        return voice_note(sounds)
    except ValueError:
        return b""


def _recordings(turn: Turn) -> list[Attachment]:
    files = (file for event in turn.events for file in event.attachments)
    return [file for file in files if file.kind is AttachmentKind.VOICE]
