"""When an answer is whole."""

from bench.agent import Question, Script


def test_an_answer_is_whole_with_its_last_word_however_it_is_marked_up() -> None:
    script = Script(tokens=12)
    question = Question(1, shown={1: script.text.replace("**", "")})
    assert question.is_whole(script, question.shown[1])
    assert Question(1, shown={1: script.text}).is_whole(script, script.text)


def test_an_answer_that_lacks_a_word_is_not_whole() -> None:
    script = Script(tokens=12)
    begun, holed = "word0 word1", script.text.replace("word5 ", "")
    assert not Question(1, shown={1: begun}).is_whole(script, begun)
    assert not Question(1, shown={1: holed}).is_whole(script, holed)


def test_an_answer_that_stands_twice_is_not_whole() -> None:
    script = Script(tokens=3)
    assert not Question(1, shown={1: script.text, 2: script.text}).is_whole(script, script.text)


def test_an_answer_may_be_of_several_messages() -> None:
    script = Script(tokens=3)
    pages = {1: "word0 word1", 2: "word2"}
    assert Question(1, shown=pages).is_whole(script, pages[2])


def test_a_thousand_short_words_are_one_message() -> None:
    assert len(Script(tokens=1_000, short=True).text) < 4_096
