"""What the bridge itself says, in English and Chinese.

Texts are neutral Markdown. Everything else a user reads comes from the agent.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple


class _Text(NamedTuple):
    en: str
    zh: str


class Phrase(Enum):
    """A sentence of ours; `say` chooses the language and fills it in."""

    HELLO = _Text(
        "Hello{comma_name}! Send me a message and I will answer. /help shows what else I know.",
        "你好{comma_name}！给我发消息，我会回答你。发送 /help 查看其他功能。",
    )
    HELP = _Text(
        "Just write, and I answer.\n\n"
        "- /new – begin a new conversation\n"
        "- /clear – stay in this conversation, but forget what was said\n"
        "- /stop – stop the answer that is being written\n"
        "- /retry – ask the last question again\n"
        "- /history – go back to an earlier conversation\n"
        "- /start – the greeting",
        "直接发消息，我就会回答。\n\n"
        "- /new – 开始新的对话\n"
        "- /clear – 留在当前对话，但忘掉之前的内容\n"
        "- /stop – 停止正在写的回答\n"
        "- /retry – 重新回答上一个问题\n"
        "- /history – 回到以前的对话\n"
        "- /start – 欢迎语",
    )
    NEW = _Text("A new conversation. What is it about?", "新的对话开始了。想聊什么？")
    CLEARED = _Text("Forgotten. We go on from here.", "之前的内容已忘记，我们从这里继续。")
    NOTHING_TO_CLEAR = _Text("There is nothing to forget yet.", "还没有可以忘记的内容。")
    NOTHING_TO_STOP = _Text("Nothing is being answered.", "现在没有正在写的回答。")
    NOTHING_TO_RETRY = _Text("There is no question to ask again.", "没有可以重新提问的问题。")
    NO_HISTORY = _Text("There are no earlier conversations.", "还没有以前的对话。")
    HISTORY = _Text("Which conversation shall we go back to?", "要回到哪一个对话？")
    SWITCHED = _Text("Back in “{title}”.", "已回到“{title}”。")
    UNKNOWN_CONVERSATION = _Text(
        "I do not know that conversation; /history shows the ones there are.",
        "找不到这个对话；发送 /history 查看已有的对话。",
    )
    BUSY = _Text(
        "I am still answering your last message. Please wait for it, or send /stop.",
        "我还在回答上一条消息。请稍等，或发送 /stop 停止。",
    )
    ONLY_TEXT = _Text("I can only read text so far.", "我暂时只能阅读文字消息。")
    STOPPED = _Text("*(stopped)*", "*（已停止）*")
    EMPTY = _Text("The agent had nothing to say.", "智能体没有给出回答。")
    REFUSED = _Text(
        "Sorry, the agent cannot answer this. (Reference {reference})",
        "抱歉，智能体无法回答这个问题。（编号 {reference}）",
    )
    EXHAUSTED = _Text(
        "Sorry, the agent has used up what it may answer for now. (Reference {reference})",
        "抱歉，智能体目前的额度已用完。（编号 {reference}）",
    )
    FAILED = _Text(
        "Sorry, something went wrong with this answer. (Reference {reference})",
        "抱歉，这次回答出了问题。（编号 {reference}）",
    )
    UNREACHABLE = _Text(
        "Sorry, the agent cannot be reached at the moment. (Reference {reference})",
        "抱歉，暂时联系不上智能体。（编号 {reference}）",
    )
    LOST = _Text(
        "Sorry, the rest of this answer was lost. Send /retry to ask again. "
        "(Reference {reference})",
        "抱歉，这个回答的其余部分丢失了。发送 /retry 可重新提问。（编号 {reference}）",
    )


MENU: Mapping[str, Mapping[str, str]] = {
    "": {
        "new": "begin a new conversation",
        "stop": "stop the answer that is being written",
        "retry": "ask the last question again",
        "clear": "forget what was said",
        "history": "go back to an earlier conversation",
        "help": "what I know",
    },
    "zh": {
        "new": "开始新的对话",
        "stop": "停止正在写的回答",
        "retry": "重新回答上一个问题",
        "clear": "忘掉之前的内容",
        "history": "回到以前的对话",
        "help": "查看帮助",
    },
}
"""What each command is for, in a line, by language; the empty one is for all others."""


def say(phrase: Phrase, language: str, **values: str) -> str:
    """The phrase in the user's language (BCP 47); English for all but Chinese."""
    text = phrase.value.zh if language.lower().startswith("zh") else phrase.value.en
    return text.format(**values)
