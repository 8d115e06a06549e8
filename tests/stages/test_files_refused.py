"""What is said of files that are refused, or that nobody can bring; the words are answered."""

from dataclasses import replace

import pytest

from bridge.errors import Permanent, Rejected, Unauthorised, Unreachable
from bridge.events import Attachment, AttachmentKind
from bridge.testing.adapter import ROOMY
from bridge.testing.agent import ScriptedAgent
from bridge.testing.clock import Clock
from bridge.testing.filing import FilingAdapter, Stored
from tests.stages.bringing import MB, PAPER, PHOTO, VOICE, configured, endless, names, on, sends
from tests.stages.world import World

# What is refused


async def test_what_is_too_large_is_refused_before_it_is_read_and_the_words_are_asked(
    world: World, clock: Clock, agent: ScriptedAgent
) -> None:
    platform = on(world, clock, replace(ROOMY, max_download=20 * MB))
    shown = await sends(world, "and this?", replace(PAPER, size=21 * MB))
    assert shown == ["You said: and this?\n\nI could not take paper.pdf: it is larger than 20 MB."]
    assert (platform.fetched, agent.asked) == ([], ["and this?"])


@pytest.mark.usefixtures("platform")
async def test_half_a_gigabyte_is_refused_whatever_the_platform_hands_out(
    world: World, agent: ScriptedAgent
) -> None:
    shown = await sends(world, "", replace(PAPER, size=513 * MB))
    assert shown == ["I could not take paper.pdf: it is larger than 512 MB."]
    assert (agent.files, agent.attempts, agent.conversations) == ({}, [], [])


async def test_a_file_that_is_larger_than_it_said_stops_there(
    world: World, clock: Clock, agent: ScriptedAgent
) -> None:
    platform = on(world, clock, replace(ROOMY, max_download=1 * MB))
    platform.files["paper"] = Stored(lambda: endless(3 * MB), size=None)
    assert await sends(world, "", PAPER) == ["I could not take paper.pdf: it is larger than 1 MB."]
    assert (agent.files, platform.reading) == ({}, 0)


@pytest.mark.parametrize(
    ("attachment", "reason"),
    [
        (replace(PAPER, size=0), "it is empty"),
        (replace(PAPER, name="virus.exe"), "the agent does not read files of this format"),
        (replace(PAPER, name="paper.pdf.exe"), "the agent does not read files of this format"),
        (
            Attachment(AttachmentKind.STICKER, "s", mime="application/x-tgsticker"),
            "the agent does not see animated stickers",
        ),
        (replace(PAPER, ref="nowhere"), "it is not there any more"),
    ],
)
async def test_each_refusal_names_its_reason(
    world: World, platform: FilingAdapter, agent: ScriptedAgent, attachment: Attachment, reason: str
) -> None:
    [shown] = await sends(world, "", attachment)
    assert reason in shown
    assert agent.attempts == []


async def test_of_several_files_the_others_go_on(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    [shown] = await sends(world, "", replace(PAPER, ref="nowhere"), PHOTO)
    assert names(agent) == ["photo.jpg"]
    assert shown.endswith("I could not take paper.pdf: it is not there any more.")


@pytest.mark.parametrize("error", [Rejected("4303"), Permanent("4000")])
async def test_what_coze_does_not_take_is_told(
    world: World, platform: FilingAdapter, agent: ScriptedAgent, error: Permanent
) -> None:
    agent.fail("upload", error)
    [shown] = await sends(world, "hello", PAPER)
    assert shown.endswith("I could not take paper.pdf: the agent did not accept it.")


async def test_voice_can_be_off(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    configured(world, voice="off")
    assert await sends(world, "", VOICE) == [
        "I do not listen to voice messages here. Please write instead."
    ]
    assert (platform.fetched, agent.attempts) == ([], [])


async def test_a_recording_in_which_nobody_speaks_is_told(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    configured(world, voice="transcribe")
    agent.transcripts.append("  ")
    assert await sends(world, "", VOICE) == [
        "I could not make out what you said. Please try again, or write."
    ]
    assert agent.attempts == []


# What cannot be brought


async def test_a_key_that_may_not_read_files_still_answers(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    platform.fail(Unauthorised("missing_scope"), verb="fetch")
    [shown] = await sends(world, "hello", PAPER)
    assert "the platform does not hand it out" in shown
    assert agent.asked == ["hello"]


async def test_a_platform_without_files_says_so(world: World, agent: ScriptedAgent) -> None:
    [shown] = await sends(world, "hello", PAPER)
    assert "the platform does not hand it out" in shown


async def test_a_platform_that_never_hands_it_out_costs_the_file_and_not_the_words(
    world: World, platform: FilingAdapter, agent: ScriptedAgent
) -> None:
    platform.fail(*[Unreachable("down")] * 100, verb="fetch")
    [shown] = await sends(world, "hello", PAPER)
    assert shown.endswith("the platform did not deliver it. Please send it again.")
    assert agent.asked == ["hello"]
