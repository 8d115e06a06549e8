"""Whose conversation it is, what happens to a message in between, and the words a user knows."""

import pytest
from daemon_process import World, answer_to, eventually

from bridge.emulator import Answer, Memory, Scenario
from bridge.notices import Notice
from bridge.phrases import say

SLOW = Scenario(match="tea", pace=0.2)
STOPPED = "*(stopped)*"
STRANGER = say(Notice.STRANGER, "en")


async def talk(world: World, chat: str, *texts: str) -> None:
    """Say one thing after another, each when the last was answered."""
    for text in texts:
        already = len(world.platform.in_chat(chat))
        world.platform.say(chat, text)
        await settled(world, chat, messages=already + 1)


async def settled(world: World, chat: str, *, messages: int) -> None:
    """Wait until so many messages stand in the chat, finished."""
    platform = world.platform
    await eventually(lambda: len(platform.in_chat(chat)) >= messages and platform.settled(chat))


async def tea_has_begun(world: World) -> None:
    world.platform.say("anna", "tea")
    await eventually(lambda: world.platform.in_chat("anna"))


# A message while another is being answered


async def test_queue_answers_one_after_the_other(world: World) -> None:
    world.coze.install(SLOW)
    world.daemon(sessions__busy="queue").start()
    await tea_has_begun(world)
    world.platform.say("anna", "water")
    world.platform.say("anna", "milk")
    await world.answered("anna", answer_to("tea"), answer_to("water"), answer_to("milk"))
    assert world.questions() == ["tea", "water", "milk"]
    assert world.coze.refused == []  # Coze never had to say that it was busy


async def test_interrupt_stops_the_answer_and_goes_on_with_the_new_message(world: World) -> None:
    world.coze.install(SLOW)
    world.daemon(sessions__busy="interrupt").start()
    await tea_has_begun(world)
    world.platform.say("anna", "water")
    await eventually(lambda: answer_to("water") in world.platform.shown("anna"))
    stopped, whole = world.platform.shown("anna")
    text, _, end = stopped.rpartition("\n\n")
    assert answer_to("tea").startswith(text.rstrip())
    assert end == STOPPED
    assert whole == answer_to("water")
    assert [asked.cancelled for asked in world.coze.asked] == [True, False]


async def test_reject_says_that_it_is_busy_and_forgets_the_message(world: World) -> None:
    world.coze.install(SLOW)
    world.daemon(sessions__busy="reject").start()
    await tea_has_begun(world)
    world.platform.say("anna", "water")
    busy = "I am still answering your last message. Please wait for it, or send /stop."
    await world.answered("anna", answer_to("tea"), busy)
    await talk(world, "anna", "milk")
    assert world.questions() == ["tea", "milk"]


async def test_nobody_waits_for_another_chat(world: World) -> None:
    world.coze.install(Scenario(match="tea", hang_after=3))
    world.daemon().start()
    await tea_has_begun(world)
    await talk(world, "berta", "water")
    assert world.platform.shown("berta") == [answer_to("water")]
    assert not world.platform.settled("anna")


# Parts of one message


async def test_a_paste_in_three_parts_is_one_question(world: World) -> None:
    world.daemon(sessions__merge_window="0.6").start()
    for part in ("one", "two", "three"):
        world.platform.say("anna", part)
    await world.answered("anna", answer_to("one\ntwo\nthree"))
    assert world.questions() == ["one\ntwo\nthree"]


async def test_two_people_who_share_a_conversation_do_not_merge(world: World) -> None:
    world.daemon(sessions__merge_window="0.3", sessions__group_scope="chat").start()
    world.platform.say("#room", "tea", user="anna")
    world.platform.say("#room", "water", user="berta")
    await world.answered("#room", answer_to("tea"), answer_to("water"))
    assert world.questions() == ["tea", "water"]


async def test_a_command_is_no_part_of_a_paste(world: World) -> None:
    world.daemon(sessions__merge_window="0.3").start()
    for part in ("one", "/clear", "two"):
        world.platform.say("anna", part)
    forgotten = "Forgotten. We go on from here."
    await world.answered("anna", answer_to("one"), forgotten, answer_to("two"))
    assert world.questions() == ["one", "two"]


# Whose conversation it is


async def test_in_a_group_everybody_has_a_conversation_of_their_own(world: World) -> None:
    world.daemon(sessions__group_scope="user").start()
    world.platform.say("#room", "tea", user="anna")
    world.platform.say("#room", "water", user="berta")
    await eventually(lambda: len(world.coze.asked) == 2 and world.platform.settled("#room"))
    anna, berta = world.coze.asked
    assert anna.conversation_id != berta.conversation_id
    assert anna.user_id != berta.user_id
    assert not {"anna", "berta"} & {anna.user_id, berta.user_id}  # a keyed hash, never the id


async def test_a_group_can_share_one_conversation(world: World) -> None:
    world.daemon(sessions__group_scope="chat").start()
    world.platform.say("#room", "tea", user="anna")
    world.platform.say("#room", "water", user="berta")
    world.platform.say("anna", "milk")
    await eventually(lambda: len(world.coze.asked) == 3 and world.platform.settled("anna"))
    asked = {question.text: question for question in world.coze.asked}
    assert asked["tea"].conversation_id == asked["water"].conversation_id
    assert asked["tea"].user_id == asked["water"].user_id
    assert asked["milk"].conversation_id != asked["tea"].conversation_id
    assert asked["milk"].user_id != asked["tea"].user_id


async def test_only_those_on_the_list_are_heard(world: World) -> None:
    daemon = world.daemon(access__allow="loopback:anna,loopback:#room", access__deny="loopback:eve")
    daemon.start()
    world.platform.say("berta", "hello?")
    world.platform.say("#room", "hello?", user="eve")
    world.platform.say("#room", "tea", user="berta")
    await talk(world, "anna", "water")
    await world.answered("#room", answer_to("tea"))
    assert not world.platform.waiting  # acknowledged all the same, or they would come for ever
    assert sorted(world.questions()) == ["tea", "water"]
    assert world.platform.shown("berta") == [STRANGER]
    assert len(daemon.events("message.denied")) == 2


# Words


async def test_new_begins_another_conversation(world: World) -> None:
    world.daemon().start()
    await talk(world, "anna", "tea", "water", "/new", "milk")
    assert world.platform.shown("anna")[2] == "A new conversation. What is it about?"
    tea, water, milk = (asked.conversation_id for asked in world.coze.asked)
    assert tea == water != milk


async def test_new_interrupts_the_answer_that_is_running(world: World) -> None:
    world.coze.install(SLOW)
    world.daemon().start()
    await tea_has_begun(world)
    world.platform.say("anna", "/new")
    await eventually(lambda: len(world.platform.in_chat("anna")) == 2)
    assert world.platform.shown("anna")[0].endswith(STOPPED)
    assert world.coze.asked[0].cancelled


def rememberer(question: str, memory: Memory) -> Answer:
    return Answer(f"{question}, after {', '.join(memory.said) or 'nothing'}")


async def test_clear_stays_in_the_conversation_but_forgets(world: World) -> None:
    world.coze.agent = rememberer
    world.daemon().start()
    await talk(world, "anna", "/clear", "tea", "water", "/clear", "milk")
    assert world.platform.shown("anna") == [
        "There is nothing to forget yet.",
        "tea, after nothing",
        "water, after tea",
        "Forgotten. We go on from here.",
        "milk, after nothing",
    ]
    assert len({asked.conversation_id for asked in world.coze.asked}) == 1


async def test_stop_does_not_wait_behind_what_it_stops(world: World) -> None:
    world.coze.install(SLOW)
    world.daemon().start()
    await tea_has_begun(world)
    world.platform.say("anna", "/stop")
    await settled(world, "anna", messages=1)
    (stopped,) = world.platform.shown("anna")  # which is answer enough
    assert stopped.endswith(STOPPED)
    assert world.coze.asked[0].cancelled
    await talk(world, "anna", "water", "/stop")
    assert world.platform.shown("anna")[1:] == [answer_to("water"), "Nothing is being answered."]


async def test_retry_asks_the_last_question_again(world: World) -> None:
    world.daemon().start()
    await talk(world, "anna", "/retry", "tea")
    for times in (2, 3):
        world.platform.say("anna", "/retry")
        await eventually(lambda times=times: world.questions() == ["tea"] * times)
    # The new answers stand where the first one stood.
    await world.answered("anna", "There is no question to ask again.", answer_to("tea"))


async def test_history_leads_back_to_an_earlier_conversation(world: World) -> None:
    world.daemon().start()
    await talk(world, "anna", "/history", "tea", "/new", "water", "/history")
    assert world.platform.shown("anna")[0] == "There are no earlier conversations."
    buttons = dict(world.platform.in_chat("anna")[-1].now.buttons)
    await talk(world, "anna", buttons["tea"], "milk")
    assert world.platform.shown("anna")[-2:] == ["Back in “tea”.", answer_to("milk")]
    tea, water, milk = (asked.conversation_id for asked in world.coze.asked)
    assert tea == milk != water


async def test_history_leads_nowhere_else(world: World) -> None:
    world.daemon().start()
    await talk(world, "anna", "tea")
    foreign = world.coze.asked[0].conversation_id
    await talk(world, "eve", f"/history {foreign}", "milk")
    assert world.platform.shown("eve")[0].startswith("I do not know that conversation")
    assert world.coze.asked[1].conversation_id != foreign


async def test_start_greets_with_the_prologue_and_help_helps(world: World) -> None:
    world.daemon().start()
    await talk(world, "anna", "/start", "/help")
    greeting, help_ = world.platform.in_chat("anna")
    assert greeting.text.startswith("Halt, anna! I am the **Bridgekeeper**.")
    assert [says for _, says in greeting.now.buttons][:2] == ["help", "Show me some code"]
    assert "/stop" in help_.text
    assert world.questions() == []


@pytest.mark.parametrize("word", ["/NEW", "/new\n", "/new  "])
async def test_a_word_is_known_however_it_is_typed(world: World, word: str) -> None:
    world.daemon().start()
    await talk(world, "anna", word)
    assert world.platform.shown("anna") == ["A new conversation. What is it about?"]


async def test_a_word_that_is_not_ours_is_for_the_agent(world: World) -> None:
    world.daemon().start()
    await talk(world, "anna", "/weather Berlin")
    assert world.platform.shown("anna") == [answer_to("/weather Berlin")]
