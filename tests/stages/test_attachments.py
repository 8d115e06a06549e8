"""What is decided of a file by its name, kind and size alone."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.attachments import LARGEST, LARGEST_SPEECH, Passed, Refused, Why, judge
from bridge.config import Voice
from bridge.events import Attachment, AttachmentKind
from bridge.filenames import LONGEST, extension, harmless
from bridge.upstream import PartKind

INF = float("inf")


def judged(attachment: Attachment, voice: Voice = Voice.AUDIO) -> Passed | Refused:
    return judge(attachment, largest=INF, voice=voice)


def document(name: str, mime: str = "") -> Attachment:
    return Attachment(AttachmentKind.DOCUMENT, "ref", name=name, mime=mime)


@pytest.mark.parametrize(
    ("forged", "name"),
    [
        ("../../etc/passwd.txt", "passwd.txt"),
        ("..\\..\\windows\\system32\\evil.pdf", "evil.pdf"),
        ("a\0b\r\nc.pdf", "abc.pdf"),
        ("invoice\u202efdp.txt", "invoicefdp.txt"),
        ("photo.jpg.pdf", "photo_jpg.pdf"),
        ("report v1.2.docx", "report v1.2.docx"),
        ('who? "me" <x>|*.pdf', "who_ _me_ _x.pdf"),
        ("  .hidden.pdf", "hidden.pdf"),
        ("...pdf", "document.pdf"),
        ("/.pdf", "document.pdf"),
        ("报告.PDF", "报告.pdf"),
        ("e\u0301tude.pdf", "\u00e9tude.pdf"),
        ("scan.jpeg", "scan.jpg"),
        ("x" * 300 + ".pdf", "x" * (LONGEST - 4) + ".pdf"),
    ],
)
def test_a_forged_name_is_made_harmless(forged: str, name: str) -> None:
    passed = judged(document(forged))
    assert isinstance(passed, Passed)
    assert passed.name == name


@given(st.text(max_size=400))
def test_no_name_harms(name: str) -> None:
    made = harmless(name, "pdf")
    assert 5 <= len(made) <= LONGEST
    assert made.endswith(".pdf")
    assert not set('/\\:*?"<>|') & set(made)
    assert not any(unicodedata.category(letter)[0] == "C" for letter in made)
    assert not made.startswith((".", " "))
    assert extension(made) == "pdf"


@pytest.mark.parametrize(
    ("attachment", "name", "kind"),
    [
        (Attachment(AttachmentKind.PHOTO, "r"), "photo.jpg", PartKind.IMAGE),
        (Attachment(AttachmentKind.VIDEO, "r"), "video.mp4", PartKind.FILE),
        (Attachment(AttachmentKind.AUDIO, "r", name="song.mp3"), "song.mp3", PartKind.FILE),
        (Attachment(AttachmentKind.VOICE, "r"), "voice.ogg", PartKind.AUDIO),
        (Attachment(AttachmentKind.VOICE, "r", name="x.oga"), "voice.ogg", PartKind.AUDIO),
        (document("cat.PNG"), "cat.png", PartKind.IMAGE),
        (document("", "application/pdf"), "document.pdf", PartKind.FILE),
        (document("notes", "text/plain; charset=utf-8"), "notes.txt", PartKind.FILE),
        (document("notes", "text/x-anything"), "notes.txt", PartKind.FILE),
        (document("readme.md"), "readme.md", PartKind.FILE),
        (document("page.html"), "page.html", PartKind.FILE),
        (document("drawing.svg", "image/svg+xml"), "drawing.svg", PartKind.FILE),
    ],
)
def test_what_a_file_is_to_the_agent(attachment: Attachment, name: str, kind: PartKind) -> None:
    assert judged(attachment) == Passed(name, kind, LARGEST)


@pytest.mark.parametrize("name", ["a.exe", "a.pdf.exe", "a.dll", "a.pdf\u202e.exe", "a", ""])
def test_what_coze_cannot_read_is_refused(name: str) -> None:
    refused = judged(document(name))
    assert isinstance(refused, Refused)
    assert refused.why is Why.FORMAT


def test_recording_that_agents_do_not_listen_to_goes_on_in_words() -> None:
    clip = Attachment(AttachmentKind.VOICE, "r", name="audio_message.m4a", mime="audio/mp4")
    assert judged(clip) == Passed("voice.m4a", None, LARGEST_SPEECH)


def test_a_recording_that_is_written_down_has_a_limit_of_its_own() -> None:
    long = Attachment(AttachmentKind.VOICE, "r", size=LARGEST_SPEECH + 1)
    assert isinstance(judged(long), Passed)
    refused = judged(long, Voice.TRANSCRIBE)
    assert isinstance(refused, Refused)
    assert (refused.why, refused.limit) == (Why.TOO_LARGE, LARGEST_SPEECH)
