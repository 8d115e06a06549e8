"""Which files follow an answer."""

from dataclasses import replace

import pytest

from bridge.config import AgentSettings
from bridge.enclosed import enclosed
from bridge.errors import Permanent
from bridge.events import Attachment, AttachmentKind, Enclosure, EnclosureKind, Page
from bridge.ogg import opus_file
from bridge.store.turns import Turn
from bridge.text.reply import Answer, Reply, State
from tests.engine.test_verdict import turn

PACKET = bytes([0b11110_0_00, 0xFF, 0xFE])
CAT = "https://x.org/cat.png"
SPOKEN = AgentSettings(bot_id="1", reply_voice_id="7")


def asked(*files: Attachment) -> Turn:
    it = turn()
    return replace(it, events=(replace(it.event, attachments=files),))


def recording(mime: str = "audio/ogg") -> Attachment:
    return Attachment(AttachmentKind.VOICE, "ref", mime=mime)


def said(text: str, **changes: object) -> Reply:
    reply = Reply((Answer("m", text),), state=State.COMPLETE)
    return replace(reply, **changes)  # type: ignore[arg-type]


def voices(it: Turn, reply: Reply, agent: AgentSettings = SPOKEN) -> list[Enclosure]:
    pages = enclosed(it, reply, agent, 0)
    return [page.file for page in pages if page.file is not None]


def test_a_picture_has_its_words_and_a_file_its_name() -> None:
    pages = enclosed(asked(), said(f"![a cat]({CAT}) [paper](https://x.org/p.pdf)"), SPOKEN, 4)
    assert pages == [
        Page("a cat", True, file=Enclosure(EnclosureKind.IMAGE, "cat.png", url=CAT)),
        Page(
            "p.pdf",
            True,
            file=Enclosure(EnclosureKind.DOCUMENT, "p.pdf", url="https://x.org/p.pdf"),
        ),
    ]


@pytest.mark.parametrize("state", [State.STREAMING, State.SPOKEN, State.ACTING])
def test_there_is_none_before_the_end(state: State) -> None:
    reply = said(f"![a cat]({CAT})", state=state)
    assert enclosed(asked(recording()), reply, SPOKEN, 4) == []


def test_what_we_say_ourselves_has_none() -> None:
    assert enclosed(asked(recording()), Reply.saying(f"![a cat]({CAT})"), SPOKEN, 4) == []


def test_what_the_agent_said_itself_is_sent_as_it_is() -> None:
    reply = said("Hello.", sounds=(PACKET,) * 9)
    [voice] = voices(asked(recording()), reply)
    assert voice == Enclosure(EnclosureKind.VOICE, "answer.ogg", data=opus_file([PACKET] * 9))


@pytest.mark.parametrize(
    ("mime", "sounds"),
    [
        ("audio/mp4", (PACKET,) * 9),  # asked in another form, so this cannot be Opus
        ("audio/ogg", (b"",)),
        ("audio/ogg", (bytes(48_000),)),  # a second of silence as PCM
        ("audio/ogg", (PACKET * 200,) * 2000),
        ("audio/ogg", ()),
    ],
)
def test_else_its_words_are_read_aloud(mime: str, sounds: tuple[bytes, ...]) -> None:
    [voice] = voices(asked(recording(mime)), said("Hello **you**.", sounds=sounds))
    assert voice == Enclosure(EnclosureKind.VOICE, "answer.ogg", speech="Hello you.", voice="7")


@pytest.mark.parametrize(
    ("it", "reply", "settings"),
    [
        (asked(), said("Hello."), {"reply_voice_id": "7"}),
        (asked(recording()), said("Hello."), {}),
        (asked(recording()), said("Hello."), {"reply_voice_id": "7", "voice": "off"}),
        (asked(recording()), said("Hello.").stopped(), {"reply_voice_id": "7"}),
        (asked(recording()), Reply((Answer("m", "Hel"),)).stopped(), {"reply_voice_id": "7"}),
        (asked(recording()), Reply().failed(Permanent("x")), {"reply_voice_id": "7"}),
        (asked(recording()), said("![](https://x.org)"), {"reply_voice_id": "7"}),
    ],
)
def test_sometimes_nothing_is_said(it: Turn, reply: Reply, settings: dict[str, str]) -> None:
    assert voices(it, reply, AgentSettings.model_validate({"bot_id": "1", **settings})) == []
