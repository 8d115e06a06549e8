"""What people wrote arrives as they wrote it."""

import pytest

from adapters.slack.wording import command, mentions, readable, slash_command

NAMES = {"U2BOB": "Bob"}


def read(raw: str) -> str:
    return readable(raw, "U0BOT", lambda person: NAMES.get(person, ""))


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        ("1 &lt; 2 &amp;&amp; 3 &gt; 2", "1 < 2 && 3 > 2"),
        ("&amp;lt;", "&lt;"),
        ("<https://example.com/a?b=1&amp;c=2>", "https://example.com/a?b=1&c=2"),
        ("see <http://example.com|example.com>.", "see example.com."),
        ("<https://example.com/|the site>", "[the site](https://example.com/)"),
        ("<mailto:ann@example.com|ann@example.com>", "ann@example.com"),
        ("ask <@U2BOB>", "ask @Bob"),
        ("ask <@U3EVE>", "ask @U3EVE"),
        ("ask <@U3EVE|eve>", "ask @eve"),
        ("in <#C1|general> and <#C2>", "in #general and #C2"),
        ("<!here> <!subteam^S1|@team> <!subteam^S1>", "@here @team @subteam"),
        ("on <!date^1392734382^{date}|Feb 18>", "on Feb 18"),
        ("a < b, never closed", "a < b, never closed"),
        ("", ""),
    ],
)
def test_escapes_are_read(raw: str, typed: str) -> None:
    assert read(raw) == typed


@pytest.mark.parametrize(
    ("raw", "typed"),
    [
        ("<@U0BOT> hi", "hi"),
        ("<@U0BOT>, hi", "hi"),
        ("<@U0BOT>：你好", "你好"),
        ("<@U0BOT|coze> hi", "hi"),
        ("hi <@U0BOT>", "hi"),
        ("tell <@U0BOT> a joke", "tell a joke"),
        ("first\n<@U0BOT>\nsecond", "first\n\nsecond"),
        ("<@U0BOT> <@U0BOT>", ""),
        ("<@U0BOT> tell <@U2BOB> hi", "tell @Bob hi"),
        ("  untouched  ", "  untouched  "),
    ],
)
def test_own_name_is_left_out(raw: str, typed: str) -> None:
    assert read(raw) == typed


def test_a_name_is_ours_only_if_it_is_whole() -> None:
    assert mentions("<@U0BOT>", "U0BOT")
    assert not mentions("<@U0BOTTLE> U0BOT @U0BOT", "U0BOT")
    assert not mentions("<@>", "")


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("!new", "/new"),
        ("!new about cats", "/new about cats"),
        ("!stop\n", "/stop\n"),
        ("! new", "! new"),
        ("!!", "!!"),
        ("!123", "!123"),
        ("!new!", "!new!"),
        ("wow !new", "wow !new"),
        ("/new", "/new"),
    ],
)
def test_a_bang_is_a_slash(said: str, meant: str) -> None:
    assert command(said) == meant


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", "/help"),
        ("   ", "/help"),
        ("new", "/new"),
        ("New", "/New"),
        ("start", "/start"),
        ("set nickname Bob", "/set nickname Bob"),
        ("history 123", "/history 123"),
        ("Draw a cat", "/Draw a cat"),
        ("new ideas for a party", "new ideas for a party"),
        ("help me write to my boss", "help me write to my boss"),
        ("clear my doubts about this", "clear my doubts about this"),
        ("/new", "/new"),
        ("!new", "/new"),
        ("what is new?", "what is new?"),
        ("newer things", "newer things"),
        ("usage", "/usage"),
        ("usage of commas", "usage of commas"),
    ],
)
def test_behind_the_slash_command_stands_a_word_of_ours_or_a_question(
    said: str, meant: str
) -> None:
    words = {"new", "help", "clear", "history", "draw", "usage"}
    assert slash_command(said, words) == meant
