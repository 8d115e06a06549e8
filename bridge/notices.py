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
    ADMIN_HELP = Text(
        "- `/admin status` – is everything well?\n"
        "- `/admin pause`, `/admin resume` – keep questions for later; answer them\n"
        "- `/admin who` – who was here last, and who waits to be let in\n"
        "- `/admin approve CODE` – let somebody in who was given this code\n"
        "- `/admin broadcast TEXT` – tell everybody; I ask you once more before I do",
        "- `/admin status` – 运行状态\n"
        "- `/admin pause`、`/admin resume` – 暂存问题，恢复后再回答\n"
        "- `/admin who` – 最近来过的人和等待通过的人\n"
        "- `/admin approve CODE` – 通过持有此代码的人\n"
        "- `/admin broadcast TEXT` – 通知所有人；发送前会再次确认",
    )
    ADMIN_IN_PRIVATE = Text(
        "Others read along here. Please say that in a private chat with me.",
        "这里别人也能看到。请在与我的私聊中发送。",
    )
    STATUS_WELL = Text("All is well.", "一切正常。")
    WELL = Text("well", "正常")
    STATUS_TROUBLE = Text("Something is wrong:", "存在以下问题：")
    STATUS = Text(
        "Version {version}, running for {up}. Open messages: {open}.",
        "版本 {version}，已运行 {up}。未完成的消息：{open}。",
    )
    STATUS_PAUSED = Text(
        "Paused by {by}; questions wait. `/admin resume` goes on.",
        "已由 {by} 暂停，问题在等待。发送 `/admin resume` 可恢复。",
    )
    PAUSE_BEGUN = Text(
        "Paused, on all replicas and also after a restart. What people ask is kept, and answered "
        "after `/admin resume`.",
        "已暂停（包括所有副本，重启后依然有效）。"
        "大家的问题会保存，发送 `/admin resume` 后继续回答。",
    )
    PAUSED_ALREADY = Text("It is paused already.", "已经是暂停状态。")
    RESUMED = Text("On we go.", "已恢复。")
    NOT_PAUSED = Text("It is not paused.", "没有暂停。")
    APPROVED = Text("{who} may talk to me now.", "{who} 现在可以与我对话了。")
    NOT_APPROVED = Text(
        "Nobody has this code, or not any more.", "没有人持有这个代码，或代码已失效。"
    )
    HOW_TO_APPROVE = Text("Send `/admin approve` and the code.", "请发送 `/admin approve` 和代码。")
    WHO_WAS_HERE = Text("Who was here last:", "最近来过的人：")
    WHO_WAITS = Text("Who waits to be let in:", "等待通过的人：")
    NOBODY = Text("Nobody was here yet.", "还没有人来过。")
    AGO = Text("{long} ago", "{long}前")
    SECONDS = Text("{number} s", "{number} 秒")
    MINUTES = Text("{number} min", "{number} 分钟")
    HOURS = Text("{number} h", "{number} 小时")
    DAYS = Text("{number} d", "{number} 天")
    HOW_TO_BROADCAST = Text(
        "Send `/admin broadcast` and what everybody should read.",
        "请发送 `/admin broadcast` 和通知内容。",
    )
    BROADCAST_ASK = Text(
        "Shall I send this to everybody who wrote to me in private within the last {days} days? "
        "That is up to {people} people.",
        "要把以下内容发送给最近 {days} 天内与我私聊过的所有人吗？最多 {people} 人。",
    )
    BROADCAST_YES = Text("Send it", "发送")
    BROADCAST_BEGUN = Text(
        "It is on its way, to some twenty chats a second at most.",
        "正在发送，每秒最多约二十个聊天。",
    )
    NO_BROADCAST = Text("There is nothing of yours to send.", "没有可以发送的内容。")
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
