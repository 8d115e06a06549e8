"""The demo agent is good company."""

import re

import pytest

from bridge.emulator.agent import DEMO_BOT, demo_agent
from bridge.emulator.answer import Memory, Result, Sent, words
from bridge.emulator.faults import FAULTS

NOTHING = Memory()


def say(question: str, *said: str, **variables: str) -> str:
    return demo_agent(question, Memory(said=said, variables=variables)).text


@pytest.mark.parametrize(
    "text",
    [
        "Hello  world\n\n- a list\n",
        "你好，世界。**重要：**这句",
        "🌍 naïve 👩‍👩‍👧 ok",
        "    indented\tcode\n```\nx\n```",
        "",
        " ",
        "한국어 문장",
    ],
)
def test_words_lose_nothing_and_add_nothing(text: str) -> None:
    assert "".join(words(text)) == text


def test_chinese_comes_in_small_pieces() -> None:
    assert max(len(word) for word in words("小桥流水人家，古道西风瘦马。")) <= 2


@pytest.mark.parametrize(
    ("question", "part"),
    [
        ("help", "Bridgekeeper"),
        ("帮助", "守桥人"),
        ("Show me some code, please.", "```python"),
        ("please show me a table", "|:--|"),
        ("give me a list", "1. stone"),
        ("markdown", "# Everything"),
        ("中文", "**重要：**"),
        ("用中文打个招呼", "你好"),
        ("What is the airspeed velocity of an unladen swallow?", "African or a European"),
        ("12*7", "**84**"),
        ("what is 2 + 3?", "**5**"),
        ("1/4", "**0.25**"),
        ("7 / 0", "Not on my bridge"),
        ("999999999999 * 999999999999", "**999999999998000000000001**"),
        ("算 6×7", "**42**"),
        ("count to 5", "1 2 3 4 5"),
        ("thank you!", "welcome"),
        ("再见", "再见"),
        ("fault: nonsense", "no fault called"),
        ("faults", "`fault: cut`"),
    ],
)
def test_agent_answers(question: str, part: str) -> None:
    assert part in say(question)


def test_a_word_in_a_sentence_is_no_command() -> None:
    for question in ("the list of my worries is long", "I sat at a table", "no help came"):
        assert question in say(question)


def test_agent_echoes_in_the_language_it_was_asked() -> None:
    assert "turtles" in say("I like turtles")
    assert re.search("[\u4e00-\u9fff]", say("我喜欢乌龟").replace("我喜欢乌龟", ""))


def test_agent_remembers_within_the_conversation_only() -> None:
    assert "“I like turtles”" in say("what did I say?", "hello", "I like turtles")
    assert "2nd" in say("what did I say?", "hello", "I like turtles")
    assert "Nothing yet" in say("what did I say?")


def test_second_greeting_differs_from_the_first() -> None:
    assert say("hello") != say("hello", "hello")


def test_agent_knows_the_name_in_the_variables() -> None:
    assert "Anna" in say("hello", user_name="Anna")
    assert "**Anna**" in say("who am I?", user_name="Anna")


def test_same_joke_is_not_told_twice_in_a_row() -> None:
    assert say("joke", "x") != say("joke", "x", "joke")


def test_same_question_gets_the_same_answer() -> None:
    assert {say("I like turtles") for _ in range(9)} == {say("I like turtles")}
    answers = {demo_agent("I like turtles", Memory(seed=n)).text for n in range(20)}
    assert len(answers) > 1


def test_long_answer_is_long_and_has_code() -> None:
    long = say("long")
    assert len(long) > 6000
    assert long.count("```") >= 10
    assert long.count("```") % 2 == 0
    assert len(say("来一篇长文")) > 1000


def test_thinking_shows_thoughts_and_the_result() -> None:
    answer = demo_agent("think 17 * 23", NOTHING)
    assert "**391**" in answer.text
    assert "17 * 23" in answer.reasoning


def test_suggestions_come_on_request() -> None:
    assert len(demo_agent("suggest", NOTHING).follow_ups) == 3
    assert len(demo_agent("给我建议", NOTHING).follow_ups) == 3
    assert demo_agent("12*7", NOTHING).follow_ups == ()


def test_slow_is_slow() -> None:
    answer = demo_agent("slow", NOTHING)
    assert answer.first_delay > 1
    assert answer.tempo > 5


def test_everything_the_bot_suggests_is_understood() -> None:
    offered = (*(DEMO_BOT.questions or ()), *demo_agent("help", NOTHING).follow_ups)
    offered += demo_agent("帮助", NOTHING).follow_ups
    for question in offered:
        assert f"“{question}”" not in say(question)


def test_profile_is_within_the_limits_of_coze() -> None:
    assert 1 <= len(DEMO_BOT.name) <= 20
    assert len(DEMO_BOT.description) <= 500
    assert len(DEMO_BOT.prologue) <= 300
    assert "{{user_name}}" in DEMO_BOT.prologue
    assert all(len(question) <= 50 for question in DEMO_BOT.questions or ())


def test_every_fault_says_what_it_is_about() -> None:
    assert all(fault.name == name and fault.about for name, fault in FAULTS.items())


def test_files_are_described() -> None:
    goat = Sent("image", "goat.png", 1700)
    described = demo_agent("", Memory(sent=(goat,))).text
    assert "`goat.png`, a picture, 1,700 bytes" in described
    assert "“look”" in demo_agent("look", Memory(sent=(goat,))).text
    assert "录音" in demo_agent("你好", Memory(sent=(Sent("audio", "a.ogg", 9),))).text


@pytest.mark.parametrize(
    ("question", "tool"),
    [
        ("weather", "get_weather"),
        ("What is the weather like in Rome?", "get_weather"),
        ("罗马天气怎么样", "get_weather"),
        ("search for my keys", "search_web"),
        ("搜索 钥匙", "search_web"),
    ],
)
def test_some_answers_need_a_tool_of_its_own(question: str, tool: str) -> None:
    answer = demo_agent(question, NOTHING)
    assert answer.uses[0].name == tool
    assert answer.text


def test_the_weather_is_that_of_the_place() -> None:
    assert "Rome" in say("what's the weather in Rome?")
    assert "罗马" in say("罗马的天气")
    assert "the bridge" in say("weather?")


@pytest.mark.parametrize(
    ("question", "tools"),
    [
        ("what time is it?", ["current_time"]),
        ("几点了？", ["current_time"]),
        ("world clock", ["current_time", "current_time"]),
        ("where am I?", ["ask_location"]),
    ],
)
def test_other_answers_need_tools_of_ours(question: str, tools: list[str]) -> None:
    answer = demo_agent(question, NOTHING)
    assert [call.name for call in answer.tools] == tools
    results = tuple(Result(call, '{"time": "12:00", "timezone": "X/Y"}') for call in answer.tools)
    after = demo_agent(question, Memory(results=results))
    assert after.tools == ()
    assert ("X/Y **12:00**" in after.text) is (tools[0] == "current_time")


def test_a_tool_that_failed_is_told_as_it_is() -> None:
    failed = Result(demo_agent("time", NOTHING).tools[0], "no such tool")
    assert "`current_time`: no such tool" in demo_agent("time", Memory(results=(failed,))).text


def test_it_asks_back_and_judges_the_reply() -> None:
    asked = demo_agent("ask me", NOTHING)
    assert asked.asks
    assert len(asked.options) == 3
    memory = Memory(asked=asked.text)
    assert "Off you go" in demo_agent("Blue", memory).text
    assert "fly off" in demo_agent("Blue. No, yellow!", memory).text


def test_a_picture_is_an_image_of_the_emulator() -> None:
    shown = demo_agent("picture", Memory(url="http://127.0.0.1:9")).text
    assert "![The bridge](http://127.0.0.1:9/_emulator/bridge.png)" in shown


def test_a_place_has_a_distance() -> None:
    there = demo_agent("my position", Memory(place=("41.9", "12.5")))
    assert "41.9000, 12.5000" in there.text
    assert "8,176 km" in there.text
    here = demo_agent("here", Memory(place=("37.7208", "114.7631")))
    assert "0 km" in here.text
