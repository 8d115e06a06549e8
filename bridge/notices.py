"""What the bridge says of who may ask and how much, and to its admins. English and Chinese.

Like `bridge.phrases`, whose `say` chooses the language.
"""

from enum import Enum

from bridge.phrases import Text


class Notice(Enum):
    """A sentence of ours; `say` chooses the language and fills it in."""

    STRANGER = Text(
        "I answer only people I was told about, and you are not among them. Please ask whoever "
        "runs this bot.",
        "我只回答名单上的人，你还不在名单上。请联系这个机器人的管理员。",
    )
    PAIRING = Text(
        "I do not know you yet. Please show this code to whoever runs this bot, within {hours} "
        "hours: `{code}`. Once they have let you in, just write again.",
        "我还不认识你。请在 {hours} 小时内把这个代码告诉机器人的管理员：`{code}`。"
        "通过之后，再给我发消息即可。",
    )
    PAIRING_IN_PRIVATE = Text(
        "I do not know you yet. Please write to me in a private chat, and I will tell you how to "
        "be let in.",
        "我还不认识你。请与我私聊，我会告诉你如何通过验证。",
    )
    PAUSED = Text(
        "I am paused for the moment. Your message is kept, and I will answer it as soon as I go "
        "on.",
        "我暂时停止服务。你的消息已保存，恢复后我会立即回答。",
    )
    TOO_FAST = Text(
        "That was more than {most} messages within a minute. Please send it again {wait}.",
        "一分钟内的消息超过了 {most} 条。请在{wait}再发一次。",
    )
    USED_UP = Text(
        "You have used up what you may ask today ({most} tokens). I can answer you again {wait}, "
        "at {time}.",
        "你今天的额度（{most} 个 token）已用完。{wait}（{time}）我就可以继续回答你。",
    )
    USED_UP_BY_ALL = Text(
        "What I may answer today is used up. I can answer again {wait}, at {time}.",
        "今天的额度已用完。{wait}（{time}）我就可以继续回答。",
    )
    RESERVED = Text(
        "I am still writing other answers, and what is left for today may not be enough for one "
        "more. Please send it again when they are done.",
        "我还在写其他回答，今天剩余的额度可能不够再回答一个问题。请等它们完成后再发一次。",
    )
    IN_SECONDS = Text("in {number} seconds", "{number} 秒后")
    IN_MINUTES = Text("in {number} minutes", "{number} 分钟后")
    IN_HOURS = Text("in {number} hours", "{number} 小时后")
    LEFT_RATE = Text(
        "Messages in the last minute: {used} of {most}.",
        "最近一分钟的消息：{used} / {most} 条。",
    )
    LEFT_TOKENS = Text(
        "Of your {most} tokens for today, {left} are left, until {time}.",
        "你今天的 {most} 个 token 还剩 {left} 个，{time} 重置。",
    )
    LEFT_TOTAL = Text(
        "What all people together may use today: {percent} % is left, until {time}.",
        "所有人今天的总额度还剩 {percent}%，{time} 重置。",
    )
