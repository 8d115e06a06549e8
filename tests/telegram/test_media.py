"""What people send besides words: the files in a message, positions, contacts, reactions."""

import pytest

from adapters.telegram.media import attachments
from adapters.telegram.reactions import Opinion, opinion
from adapters.telegram.retold import position, retold
from bridge.events import Attachment, AttachmentKind, Place
from tests.telegram.updates import CHECKLIST, CONTACT, HERE, POLL, VENUE, Json, reacted

NAMED = {"file_id": "f", "file_size": 3, "mime_type": "x/y", "file_name": "a.b"}
BARE = {"file_id": "f", "file_size": 3}


# Files


@pytest.mark.parametrize(
    ("name", "kind", "called", "mime"),
    [
        ("document", AttachmentKind.DOCUMENT, "document", ""),
        ("audio", AttachmentKind.AUDIO, "audio.mp3", "audio/mpeg"),
        ("video", AttachmentKind.VIDEO, "video.mp4", "video/mp4"),
        ("video_note", AttachmentKind.VIDEO, "video.mp4", "video/mp4"),
        ("animation", AttachmentKind.VIDEO, "animation.mp4", "video/mp4"),
        ("voice", AttachmentKind.VOICE, "voice.ogg", "audio/ogg"),
        ("sticker", AttachmentKind.STICKER, "sticker.webp", "image/webp"),
    ],
)
def test_file_without_a_name_is_called_what_it_is(
    name: str, kind: AttachmentKind, called: str, mime: str
) -> None:
    assert attachments({name: BARE}) == (Attachment(kind, "f", called, 3, mime),)
    assert attachments({name: NAMED}) == (Attachment(kind, "f", "a.b", 3, "x/y"),)


@pytest.mark.parametrize(
    ("mime", "called"),
    [("audio/mp4", "audio.m4a"), ("audio/ogg", "audio.ogg"), ("audio/x-odd", "audio.mp3")],
)
def test_sound_without_a_name_ends_by_its_type(mime: str, called: str) -> None:
    [sound] = attachments({"audio": {**BARE, "mime_type": mime}})
    assert (sound.name, sound.mime) == (called, mime)


def test_of_the_sizes_of_a_photo_the_largest_is_meant() -> None:
    sizes = [{"file_id": "small", "file_size": 10}, {"file_id": "large", "file_size": 99}]
    assert attachments({"photo": sizes}) == (
        Attachment(AttachmentKind.PHOTO, "large", "photo.jpg", 99, "image/jpeg"),
    )


def test_animation_is_one_file_although_old_clients_get_it_twice() -> None:
    [found] = attachments({"animation": {**NAMED, "file_name": "a.mp4"}, "document": NAMED})
    assert (found.kind, found.name) == (AttachmentKind.VIDEO, "a.mp4")


@pytest.mark.parametrize(
    ("moves", "called"), [("is_animated", "sticker.tgs"), ("is_video", "sticker.webm")]
)
def test_sticker_that_moves_is_the_picture_that_stands_for_it(moves: str, called: str) -> None:
    sticker = {**BARE, moves: True}
    still = {"file_id": "still", "file_size": 2}
    [found] = attachments({"sticker": {**sticker, "thumbnail": still}})
    assert (found.ref, found.name, found.size) == ("still", "sticker.webp", 2)
    [found] = attachments({"sticker": sticker})
    assert (found.ref, found.name) == ("f", called)


# In words


@pytest.mark.parametrize(
    ("message", "english", "chinese"),
    [
        ({"contact": CONTACT}, "Contact: Li Lei, +44 20 7403", "联系人：Li Lei, +44 20 7403"),
        ({"location": HERE}, "Location: 51.5055, -0.0754", "位置：51.5055, -0.0754"),
        (
            {"location": HERE, "venue": VENUE},
            "Location: Tower Bridge, Tower Bridge Rd, London",
            "位置：Tower Bridge, Tower Bridge Rd, London",
        ),
        (
            {"poll": POLL},
            "Poll: Which bridge?\n- Tower\n- London",
            "投票：Which bridge?\n- Tower\n- London",
        ),
        (
            {"checklist": CHECKLIST},
            "Checklist: Trip\n- [x] Pack\n- [ ] Go",
            "清单：Trip\n- [x] Pack\n- [ ] Go",
        ),
        ({"dice": {"emoji": "🎯", "value": 6}}, "🎯 6", "🎯 6"),
        ({"game": {"title": "Chess", "description": "A board"}}, "Game: Chess\nA board", ""),
        ({"invoice": {"title": "A bridge"}}, "Invoice: A bridge", "账单：A bridge"),
    ],
)
def test_what_is_no_file_is_told_in_ones_language(
    message: Json, english: str, chinese: str
) -> None:
    assert retold(message, "en") == retold(message, "") == english
    if chinese:
        assert retold(message, "zh-hans") == chinese


def test_place_called_like_a_command_is_none() -> None:
    venue = {"location": HERE, "title": "/forget", "address": ""}
    assert retold({"venue": venue}, "en") == "Location: /forget"


@pytest.mark.parametrize(
    "where",
    [
        {"latitude": 91, "longitude": 0},
        {"latitude": 0, "longitude": float("nan")},
        {"latitude": "1", "longitude": 2},
        {"latitude": True, "longitude": 2},
        {"latitude": 1},
    ],
)
def test_place_that_is_nowhere_is_none(where: Json) -> None:
    assert position({"location": where}) is None
    assert retold({"location": where}, "en") == ""


def test_place_of_a_venue_is_one_without_the_other() -> None:
    assert position({"venue": VENUE}) == Place(51.5055, -0.0754)


# Reactions


@pytest.mark.parametrize(
    ("now", "before", "thinks"),
    [
        ("👍", "", Opinion.LIKE),
        ("❤", "", Opinion.LIKE),
        ("❤️‍🔥", "", Opinion.LIKE),
        ("👎", "👍", Opinion.DISLIKE),
        ("", "👍", Opinion.NONE),
        ("🤔", "👎", Opinion.NONE),
        ("", "🤔", None),
        ("🤔", "", None),
        ("🔥", "👍", None),
    ],
)
def test_reaction_says_what_changed(now: str, before: str, thinks: Opinion | None) -> None:
    assert opinion(reacted(now, before)["message_reaction"]) is thinks


def test_sign_of_ones_own_and_a_paid_star_say_nothing() -> None:
    signs = [{"type": "custom_emoji", "custom_emoji_id": "1"}, {"type": "paid"}]
    assert opinion({"old_reaction": [], "new_reaction": signs}) is None
