"""The demo agent: somebody to talk to when there is no Coze. Plain functions, no state.

The same question with the same memory always gets the same answer.
"""

import re

from bridge.emulator import showcase, tricks
from bridge.emulator.answer import Answer, Memory
from bridge.emulator.bots import BotConfig, Component, ShortcutCommand, Variable
from bridge.emulator.faults import FAULTS
from bridge.emulator.heard import Heard, Reply
from bridge.emulator.sums import SUM, solution

DEMO_BOT = BotConfig(
    name="Bridgekeeper",
    description="An agent that lives in the emulator and shows what the bridge can carry.",
    prompt="You keep a bridge. Be kind to travellers.",
    prologue=(
        "Halt, {{user_name}}! I am the **Bridgekeeper**. Who would cross must ask me a "
        "question, any question. Say `help` and I will show you around. 也会说中文。"
    ),
    questions=("help", "Show me some code", "用中文打个招呼", "Tell me a joke"),
    variables=(
        Variable("user_name", "", "what to call the user"),
        Variable("language", "", "a BCP 47 tag"),
        Variable("platform", "", "where the user writes from"),
        Variable("plan", "free", "what the user pays for"),
        Variable("mood", "curious", "how the user feels"),
        Variable("retired", "", "not in use any more", enable=False),
        Variable("sys_uuid", "", "set by the system", channel="system"),
    ),
    shortcuts=(
        ShortcutCommand("/joke", "Joke", "Tell me a joke", "hear a joke about bridges"),
        ShortcutCommand(
            "/count",
            "Count",
            "count to {{number}}",
            "hear me count",
            (Component("number", default="10"),),
        ),
    ),
)


SUGGESTIONS = ("Show me a table", "What did I say?", "Tell me a joke")
SUGGESTIONS_ZH = ("给我看一个表格", "我说过什么？", "讲个笑话")


def demo_agent(question: str, memory: Memory) -> Answer:
    """Answer like a friendly keeper of a bridge."""
    text = question.strip()
    due = _due(memory)
    for pattern, reply in ((_ANYTHING, due),) if due else _REPLIES:
        if found := pattern.search(text):
            return reply(Heard(text, memory, found))
    raise AssertionError("the last pattern matches everything")


def _due(memory: Memory) -> Reply | None:
    """Return what has to be said whatever the question is."""
    if memory.results:
        return tricks.after_tools
    if memory.asked:
        return tricks.replied
    if memory.sent:
        return tricks.received
    return tricks.there if memory.place else None


def _shown(english: str, chinese: str | None = None) -> Reply:
    return lambda heard: Answer(heard.say(english, chinese or english))


def _fault(heard: Heard) -> Answer:
    name = heard.found["name"].strip()
    if name not in FAULTS:
        return Answer(f"I know no fault called `{name}`. Say `faults` to see them all.")
    return Answer(
        f"You asked for the fault `{name}`: {FAULTS[name].about}.\n\n"
        "If you can read this sentence to its very end, and only once, the bridge held."
    )


def _faults(heard: Heard) -> Answer:
    listed = "\n".join(f"- `fault: {name}` – {fault.about}" for name, fault in FAULTS.items())
    intro = heard.say("Pick a plank to saw through:", "挑一块木板来锯：")
    return Answer(f"{intro}\n\n{listed}", tempo=0.1)


def _help(heard: Heard) -> Answer:
    follow_ups = SUGGESTIONS_ZH if heard.chinese else SUGGESTIONS
    return Answer(heard.say(showcase.HELP, showcase.HELP_ZH), follow_ups=follow_ups)


def _greeting(heard: Heard) -> Answer:
    who = f", {heard.name}" if heard.name else ""
    who_zh = f"，{heard.name}" if heard.name else ""
    if heard.memory.said:
        return Answer(
            heard.say(
                f"Hello again{who}! Still the same bridge, still the same river.",
                f"又见面了{who_zh}！桥还是那座桥，河还是那条河。",
            )
        )
    return Answer(
        heard.say(
            f"Hello{who}! 🌉 You are the first to cross today. Mind the third plank. "
            "Say `help` and I will show you around.",
            f"你好{who_zh}！🌉 你是今天第一位过桥的客人，小心第三块木板。说“帮助”，我带你转转。",
        ),
        follow_ups=SUGGESTIONS_ZH if heard.chinese else SUGGESTIONS,
    )


def _long(heard: Heard) -> Answer:
    return Answer(heard.say(showcase.LONG, showcase.LONG_ZH), tempo=0.3)


def _suggest(heard: Heard) -> Answer:
    return Answer(
        heard.say("Here, three of them. Press one:", "给你三个，点一个吧："),
        follow_ups=SUGGESTIONS_ZH if heard.chinese else SUGGESTIONS,
    )


def _think(heard: Heard) -> Answer:
    topic = (heard.found["topic"] or "").strip(" ?？。.") or heard.say("nothing", "没什么")
    solved = solution(topic)
    thought = heard.say(
        f"The visitor wants me to think about “{topic}”. First I look at the river. "
        "It does not know. Then I look at my fingers. There are ten of them. Hmm. Yes.",
        f"客人让我想想“{topic}”。先看看河水，它不知道。再数数手指，有十根。嗯，有了。",
    )
    answer = solved or heard.say(
        f"I have thought about **{topic}** and I am in favour of it.",
        f"关于**{topic}**，我想过了：我赞成。",
    )
    return Answer(answer, reasoning=thought)


def _slow(heard: Heard) -> Answer:
    text = heard.say(
        "Good … things … take … time. Even … this … sentence … does.",
        "好饭不怕晚，好话不怕慢，慢慢来比较快。",
    )
    return Answer(text, first_delay=2.0, tempo=15)


def _count(heard: Heard) -> Answer:
    last = min(int(heard.found["last"]), 200)
    numbers = " ".join(str(number) for number in range(1, last + 1))
    end = heard.say("Done. My feet did not move at all.", "数完了，脚都没动一下。")
    return Answer(f"{numbers}\n\n{end}", tempo=5)


def _remember(heard: Heard) -> Answer:
    said = heard.memory.said
    if not said:
        return Answer(
            heard.say(
                "Nothing yet, as far as I know. My memory is as fresh as the morning.",
                "据我所知，还什么都没说过。我的记忆像清晨一样新鲜。",
            )
        )
    count = len(said)
    return Answer(
        heard.say(
            f"The last thing you said was “{said[-1]}”, and it was the "
            f"{_ordinal(count)} in this conversation. `/new` makes me forget it all.",
            f"你上一句说的是“{said[-1]}”，那是这段对话里的第 {count} 句。`/new` 可以让我全忘掉。",
        )
    )


def _ordinal(number: int) -> str:
    endings = {1: "st", 2: "nd", 3: "rd"}
    ending = "th" if 10 <= number % 100 <= 20 else endings.get(number % 10, "th")
    return f"{number}{ending}"


def _who(heard: Heard) -> Answer:
    if heard.name:
        return Answer(
            heard.say(
                f"You are **{heard.name}**. It says so in my book.",
                f"你是**{heard.name}**，账本上写着呢。",
            )
        )
    return Answer(
        heard.say(
            "You have not told me, but you have kind handwriting.",
            "你还没告诉我呢，不过字写得很好看。",
        )
    )


def _swallow(_: Heard) -> Answer:
    return Answer("What do you mean? An African or a European swallow?")


_JOKES = (
    "Why did the message cross the bridge? To get to the other … *read 14:02* ✓✓",
    "I asked the river for a comment. It said it was still streaming.",
    "There are two hard things about keeping a bridge: exactly-once delivery, two hard things "
    "about keeping a bridge.",
    "A packet walks onto a bridge. A packet walks onto a bridge. “Sorry,” says the keeper, “I "
    "have you in my book already.”",
)
_JOKES_ZH = (
    "消息为什么要过桥？因为对岸显示“对方正在输入……”。",
    "我问河水有什么意见，它说：还在流式输出。",
    "一个数据包上了桥。一个数据包上了桥。守桥人说：“对不起，账本上已经有你了。”",
)


def _joke(heard: Heard) -> Answer:
    # One after the other, so that nobody hears the same joke twice in a row.
    jokes = _JOKES_ZH if heard.chinese else _JOKES
    return Answer(jokes[len(heard.memory.said) % len(jokes)])


def _sum(heard: Heard) -> Answer:
    aside = heard.say("I counted twice.", "我数了两遍。")
    return Answer(f"{solution(heard.text)}. {aside}")


def _thanks(heard: Heard) -> Answer:
    return Answer(heard.say("You are welcome. Mind the step.", "不客气，小心台阶。"))


def _goodbye(heard: Heard) -> Answer:
    return Answer(
        heard.say("Farewell! I will keep the lamp on for you. 🏮", "再见！灯给你留着。🏮")
    )


_ECHOES = (
    "“{text}”, you say. The river says the same, only wetter.",
    "I shall carve “{text}” into the third plank. People ought to know.",
    "“{text}” – I have heard worse things shouted from a bridge. Say `help` for ideas.",
    "Noted in the book, in my best handwriting: “{text}”.",
)
_ECHOES_ZH = (
    "你说“{text}”。河水也这么说，只是更湿一点。",
    "我要把“{text}”刻在第三块木板上，让大家都看看。",
    "“{text}”，记在账本上了，用的是我最好的字。说“帮助”可以看看我会什么。",
)


def _echo(heard: Heard) -> Answer:
    echo = heard.dice.choice(_ECHOES_ZH if heard.chinese else _ECHOES)
    if not heard.text:
        return Answer("…")
    quoted = heard.text if len(heard.text) <= 200 else heard.text[:199] + "…"
    return Answer(echo.format(text=quoted))


# Words people put before what they want; none of them changes it.
_PLEASE = (
    r"^(?:(?:please|can|could|you|show|give|tell|make|write|do|me|us|a|an|any|some|the|something"
    r"|your|in)\s+)*"
)


def _word(words: str) -> re.Pattern[str]:
    """Match a request for one of `words`, politely or not, and not a sentence that has it."""
    return re.compile(
        rf"{_PLEASE}(?:{words})[,\s]*(?:please|text|example|questions?)?\s*[.!?。！？]*$", re.I
    )


def _like(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.I | re.S)


_ANYTHING = re.compile("")

# The first one that matches answers.
_REPLIES: tuple[tuple[re.Pattern[str], Reply], ...] = (
    (re.compile(r"^fault: (?P<name>.*)$", re.S), _fault),
    (_word("faults|故障"), _faults),
    (_word(r"help|\?|what can you do|帮助|你会什么|你能做什么"), _help),
    (_word("markdown|formatting|格式"), _shown(showcase.MARKDOWN)),
    (_word("lists?|.*列表"), _shown(showcase.LIST, showcase.LIST_ZH)),
    (_word("code|.*代码"), _shown(showcase.CODE)),
    (_word("tables?|.*表格"), _shown(showcase.TABLE)),
    (_word("long|long one|story|.*长文"), _long),
    (_word("chinese|说?中文|用中文.*"), _shown(showcase.CHINESE)),
    (_word("suggest|suggestions?|follow[- ]?ups?|.*建议"), _suggest),
    (_like(r"^(?:please )?(?:think|想想|思考)(?: about| of)?(?P<topic>.*)$"), _think),
    (_word("slow|slowly|慢|慢慢.*"), _slow),
    (_like(r"^(?:please )?(?:count to|数到) ?(?P<last>\d{1,4})\W*$"), _count),
    (_like(r"^what (?:did|have) i (?:say|said)|do you remember|我说过什么|我刚才"), _remember),
    (_like(r"^(?:who am i|what(?:'s| is) my name)|我是谁|我叫什么"), _who),
    (_like(r"unladen swallow"), _swallow),
    (_word("jokes?|.*笑话"), _joke),
    (
        _like(r"^.{0,20}\bweather(?: like)?(?: today)?(?: (?:in|at|on) (?P<place>.+))?"),
        tricks.weather,
    ),
    (_like(r"^(?P<place>.{0,20}?)的?天气"), tricks.weather),
    (
        _like(r"^(?:please )?(?:search(?: the web)?(?: for)?|look up|搜索?一?下?) ?(?P<query>.+)"),
        tricks.search,
    ),
    (_word("times?|what time is it(?: now)?|clock|几点了?|现在几点了?|时间"), tricks.clock),
    (_word("world clocks?|clocks|two clocks|世界时钟|世界时间"), tricks.clocks),
    (_like(r"^(?:where am i|我在哪)"), tricks.where),
    (_word("pictures?|images?|photos?|(?:your |the )?bridge|.*图片|.*照片|看看桥"), tricks.picture),
    (_word("ask(?: me)?(?: back| something)?|question me|问我.*"), tricks.question),
    (_like(rf"^(?:what(?:'s| is)|how much is|算一?下?)?\s*{SUM.pattern}\s*[=?？]*$"), _sum),
    (_like(r"^(?:hi|hello|hey|good (?:morning|evening)|你好|您好|嗨)\b"), _greeting),
    (_like(r"^(?:thanks|thank you|thx|谢谢|多谢)"), _thanks),
    (_like(r"^(?:bye|goodbye|farewell|good night|再见|晚安)"), _goodbye),
    (_like(""), _echo),
)
