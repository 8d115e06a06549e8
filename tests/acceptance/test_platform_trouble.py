"""A platform that refuses, forgets or falls silent: the answer lands, once, or nobody is there."""

from daemon_process import World, answer_to, eventually

from bridge.emulator import Scenario
from bridge.testing.loopback import (
    BROKEN,
    HANG_UP,
    KICKED,
    MARKUP,
    Body,
    Verb,
    When,
    flood,
)


def final(body: Body) -> bool:
    return body.final


def marked_up(body: Body) -> bool:
    return not body.plain


async def test_markup_that_is_refused_arrives_as_plain_text(world: World) -> None:
    for verb in (Verb.SEND, Verb.EDIT):
        world.platform.refuse(verb, MARKUP, times=None, matches=marked_up)
    world.daemon().start()
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))
    [message] = world.platform.in_chat("anna")
    assert message.now.plain


async def test_the_final_edit_lands_after_a_flood_wait(world: World) -> None:
    world.platform.refuse(Verb.EDIT, flood(1), times=2, matches=final)
    world.daemon().start()
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))


async def test_a_flood_wait_in_one_chat_holds_up_no_other(world: World) -> None:
    world.platform.refuse(Verb.SEND, flood(600), matches=lambda body: body.chat == "anna")
    world.daemon().start()
    world.platform.say("anna", "tea")
    world.platform.say("berta", "water")
    await world.answered("berta", answer_to("water"))
    assert world.platform.in_chat("anna") == []


async def test_an_edit_whose_answer_is_lost_is_made_again(world: World) -> None:
    world.platform.refuse(Verb.EDIT, HANG_UP, When.AFTER, times=2)
    world.platform.refuse(Verb.EDIT, HANG_UP, When.AFTER, matches=final)
    world.daemon().start()
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))


async def test_a_platform_that_is_broken_for_a_while_gets_the_answer_later(world: World) -> None:
    world.platform.refuse(Verb.SEND, BROKEN, times=2)
    world.daemon().start()
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))
    assert world.questions() == ["tea"]


async def test_a_preview_that_may_stand_is_not_posted_a_second_time(world: World) -> None:
    world.coze.install(Scenario(pace=0.05))
    world.platform.refuse(Verb.SEND, HANG_UP, When.AFTER)
    world.daemon().start()
    world.platform.say("anna", "tea")
    await eventually(lambda: answer_to("tea") in world.platform.shown("anna"))
    orphan, whole = world.platform.in_chat("anna")  # the window of a lost answer, and no third
    assert answer_to("tea").startswith(orphan.text)
    assert whole.text == answer_to("tea")


async def test_a_message_that_the_user_deleted_is_posted_anew(world: World) -> None:
    world.coze.install(Scenario(pace=0.1))
    world.daemon().start()
    world.platform.say("anna", "tea")
    await eventually(lambda: any(len(m.history) > 1 for m in world.platform.in_chat("anna")))
    [first] = world.platform.in_chat("anna")
    first.retracted = True
    await world.answered("anna", answer_to("tea"))
    assert world.questions() == ["tea"]


async def test_a_bot_that_was_removed_says_nothing_and_serves_the_others(world: World) -> None:
    world.platform.refuse(Verb.SEND, KICKED, times=None, matches=lambda body: body.chat == "anna")
    daemon = world.daemon()
    daemon.start()
    world.platform.say("anna", "tea")
    world.platform.say("berta", "water")
    await world.answered("berta", answer_to("water"))
    await eventually(lambda: daemon.events("turn.failed"))
    assert world.platform.in_chat("anna") == []
    await world.kill(daemon)
    daemon.start()
    world.platform.say("berta", "milk")
    await world.answered("berta", answer_to("water"), answer_to("milk"))
    assert world.questions() == ["tea", "water", "milk"]  # and anna's is not taken up again


async def test_a_long_answer_comes_in_pages_and_none_is_repeated(world: World) -> None:
    world.platform.max_text = 60
    lines = [f"Line {n} of a long answer, with words enough." for n in range(12)]
    world.coze.install(Scenario(reply="\n\n".join(lines), pace=0.01))
    world.daemon(adapters__loopback__max_text="60").start()
    world.platform.say("anna", "tea")
    await world.answered("anna", *lines)


async def test_a_platform_that_cannot_be_reached_gets_its_messages_afterwards(
    world: World,
) -> None:
    daemon = world.daemon()
    daemon.start()
    world.platform.refuse(Verb.UPDATES, BROKEN, times=2)
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))
    assert daemon.events("adapter.failed")


# The words have ended, the chat at Coze has not


async def test_a_whole_answer_is_not_spoilt_by_suggestions_that_never_come(world: World) -> None:
    world.coze.install(Scenario(follow_ups=("More?",), follow_up_delay=600))
    world.daemon(coze__turn_timeout="2").start()
    world.platform.say("anna", "tea")
    await world.answered("anna", answer_to("tea"))


async def test_a_whole_answer_is_not_called_stopped(world: World) -> None:
    world.coze.install(Scenario(match="tea", follow_ups=("More?",), follow_up_delay=600))
    world.daemon(sessions__busy="interrupt").start()
    world.platform.say("anna", "tea")
    await eventually(lambda: world.platform.shown("anna") == [answer_to("tea")])
    world.platform.say("anna", "water")
    await world.answered("anna", answer_to("tea"), answer_to("water"))
