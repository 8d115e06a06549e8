"""What the bridge itself says, in English and Chinese.

Texts are neutral Markdown. Everything else a user reads comes from the agent.
"""

from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple


class Text(NamedTuple):
    """A sentence in each language."""

    en: str
    zh: str


class Phrase(Enum):
    """A sentence of ours; `say` chooses the language and fills it in."""

    HELLO = Text(
        "Hello{comma_name}! Send me a message and I will answer. /help shows what else I know.",
        "你好{comma_name}！给我发消息，我会回答你。发送 /help 查看其他功能。",
    )
    HELP = Text(
        "Just write, and I answer.\n\n"
        "- /new – begin a new conversation\n"
        "- /clear – stay in this conversation, but forget what was said\n"
        "- /stop – stop the answer that is being written\n"
        "- /retry – ask the last question again\n"
        "- /history – go back to an earlier conversation\n"
        "- /rename, /delete – name or delete the conversation\n"
        "- /feedback – say what you think of the answer\n"
        "- /usage – what your answers have cost\n"
        "- /link – be the same person for me on another platform; /unlink undoes it\n"
        "- /vars – what the agent knows about you\n"
        "- /forget – delete what is stored about you\n"
        "- /start – the greeting",
        "直接发消息，我就会回答。\n\n"
        "- /new – 开始新的对话\n"
        "- /clear – 留在当前对话，但忘掉之前的内容\n"
        "- /stop – 停止正在写的回答\n"
        "- /retry – 重新回答上一个问题\n"
        "- /history – 回到以前的对话\n"
        "- /rename、/delete – 给对话改名或删除对话\n"
        "- /feedback – 评价回答\n"
        "- /usage – 查看用量\n"
        "- /link – 让我在另一个平台上也认得你；/unlink 可取消\n"
        "- /vars – 智能体记得的关于你的信息\n"
        "- /forget – 删除保存的关于你的信息\n"
        "- /start – 欢迎语",
    )
    NEW = Text("A new conversation. What is it about?", "新的对话开始了。想聊什么？")
    CLEARED = Text("Forgotten. We go on from here.", "之前的内容已忘记，我们从这里继续。")
    NOTHING_TO_CLEAR = Text("There is nothing to forget yet.", "还没有可以忘记的内容。")
    NOTHING_TO_STOP = Text("Nothing is being answered.", "现在没有正在写的回答。")
    NOTHING_TO_RETRY = Text("There is no question to ask again.", "没有可以重新提问的问题。")
    NO_HISTORY = Text("There are no earlier conversations.", "还没有以前的对话。")
    HISTORY = Text("Which conversation shall we go back to?", "要回到哪一个对话？")
    NO_CONVERSATION = Text(
        "There is no conversation yet. Just write, and one begins.",
        "还没有对话。直接发消息即可开始。",
    )
    HOW_TO_RENAME = Text(
        "This conversation is called “{title}”. Send `/rename` and another name.",
        "这个对话叫“{title}”。发送 `/rename` 和新的名称即可改名。",
    )
    RENAMED = Text("This conversation is now called “{title}”.", "这个对话现在叫“{title}”。")
    DELETE_ASK = Text(
        "Shall I delete “{title}”, here and at Coze? This cannot be undone. What you see in this "
        "chat stays.",
        "要删除“{title}”（包括保存在扣子上的内容）吗？此操作无法撤销。聊天中显示的消息会保留。",
    )
    DELETE_YES = Text("Delete it", "删除")
    DELETED = Text("“{title}” is deleted.", "“{title}”已删除。")
    USAGE_DAY = Text(
        "Last 24 hours: {tokens} tokens (answers: {answers}).",
        "最近 24 小时：{answers} 个回答，{tokens} 个 token。",
    )
    USAGE_MONTH = Text(
        "Last 30 days: {tokens} tokens (answers: {answers}).",
        "最近 30 天：{answers} 个回答，{tokens} 个 token。",
    )
    LIKED = Text("Thank you, noted as a good answer.", "谢谢，已记为好的回答。")
    DISLIKED = Text("Thank you, noted as a bad answer.", "谢谢，已记为不好的回答。")
    RATING_GONE = Text("Your opinion of the answer is taken back.", "已撤回你对回答的评价。")
    HOW_TO_RATE = Text(
        "Send `/feedback like`, or `/feedback dislike` and what was wrong; `/feedback none` takes "
        "it back.",
        "请发送 `/feedback like`，或 `/feedback dislike` 加上原因；`/feedback none` 可撤回。",
    )
    NOTHING_TO_RATE = Text("There is no answer to rate here.", "这里没有可以评价的回答。")
    NOT_RATED = Text(
        "Coze did not take what you think of this answer.", "扣子没有接受你对这个回答的评价。"
    )
    NO_FEEDBACK = Text("This agent takes no feedback.", "这个智能体不接受评价。")
    SWITCHED = Text("Back in “{title}”.", "已回到“{title}”。")
    UNKNOWN_CONVERSATION = Text(
        "I do not know that conversation; /history shows the ones there are.",
        "找不到这个对话；发送 /history 查看已有的对话。",
    )
    LINK_CODE = Text(
        "Send this to me in your private chat on the other platform, within {minutes} minutes:\n\n"
        "`/link {code}`\n\n"
        "(`!link {code}` where the platform keeps the slash for itself.) From then on the agent "
        "takes you there for the person you are here. Show the code to nobody: whoever sends it "
        "shares what the agent remembers about you.",
        "请在 {minutes} 分钟内，在另一个平台与我的私聊中发送：\n\n"
        "`/link {code}`\n\n"
        "（如果该平台不让你发送斜杠命令，请发送 `!link {code}`。）"
        "之后，智能体会把那边的你当作这里的你。"
        "请勿让别人看到这个代码：谁发送它，谁就能共享智能体记住的关于你的内容。",
    )
    LINK_IN_PRIVATE = Text(
        "/link and /unlink work only where nobody reads along, in a private chat with me. "
        "A code that was written here is void.",
        "/link 和 /unlink 只能在与我的私聊中使用，因为这里别人也能看到。写在这里的代码已作废。",
    )
    LINKED = Text(
        "Linked: the agent now takes you here for the same person as there. What it remembers "
        "about you, its variables and memory, follows you. Your conversations stay in their "
        "chats, and what it remembered only here waits for you to say /unlink. Was it somebody "
        "else who gave you the code? Then /unlink now, or they share what you tell me.",
        "关联成功：智能体现在把这里的你和那边的你当作同一个人。它记住的关于你的内容（变量和记忆）会跟随你。"
        "对话仍留在各自的聊天中；它以前只在这里记住的内容会保留，发送 /unlink 后恢复。"
        "如果代码是别人给你的，请立即发送 /unlink，否则对方会共享你告诉我的内容。",
    )
    LINKED_ALREADY = Text(
        "You are the same person here and there already.",
        "这里和那边的你早已关联。",
    )
    LINK_ONESELF = Text(
        "This code is for another platform: you made it as the one you are here.",
        "这个代码是你在这里生成的，请在另一个平台上使用。",
    )
    LINK_EXPIRED = Text(
        "This code has expired; /link in the other chat makes a new one.",
        "这个代码已过期；请在另一个聊天中发送 /link 获取新的代码。",
    )
    LINK_USED = Text(
        "This code has been used already; /link in the other chat makes a new one.",
        "这个代码已被使用；请在另一个聊天中发送 /link 获取新的代码。",
    )
    LINK_UNKNOWN = Text(
        "I do not know this code; please compare it with the one I showed you.",
        "这个代码不正确；请与我给你的代码核对。",
    )
    LINK_TOO_OFTEN = Text(
        "There were too many wrong codes; please try again in an hour.",
        "错误的代码太多，请一小时后再试。",
    )
    UNLINKED = Text(
        "Unlinked: here you are by yourself again, with what the agent remembered about you "
        "here before.",
        "已取消关联：这里的你重新独立，智能体以前在这里记住的关于你的内容也已恢复。",
    )
    UNLINKED_ALL = Text(
        "Unlinked: those who were the same person as you are by themselves again. What the agent "
        "remembers about you stays here.",
        "已取消关联：与你关联的身份都已重新独立。智能体记住的关于你的内容留在这里。",
    )
    NOT_LINKED = Text("You are not linked with anybody.", "你没有关联其他身份。")
    VARIABLES = Text("What the agent knows about you:", "智能体记得的关于你的信息：")
    VARIABLES_IN_PRIVATE = Text(
        "Others read along here. Ask me for /vars in a private chat.",
        "这里别人也能看到。请在私聊中发送 /vars。",
    )
    NO_VARIABLES = Text(
        "The agent keeps nothing about you under a name of its own.", "智能体没有保存你的信息。"
    )
    SET = Text("Noted: {name}.", "已记下：{name}。")
    NOT_SET = Text("The agent does not take `{name}`.", "智能体不接受 `{name}`。")
    NOTHING_TO_SET = Text("There is nothing for you to set here.", "这里没有可以由你设置的内容。")
    HOW_TO_SET = Text(
        "Send /set, a name and a value. The names are: {names}",
        "请发送 /set、名称和内容。可用的名称：{names}",
    )
    FORGET_ASK = Text(
        "Shall I forget you? Then I delete, here and on every platform that you have linked: your "
        "name, your messages and the answers to them, your conversations (at Coze as well), the "
        "variables that the agent has of you, and the links.\n\n"
        "I cannot delete the messages that you see in your chats, for they belong to the "
        "platform; what the agent keeps in a memory of its own at Coze; and conversations that "
        "you share with others, of which only your own words go here.\n\n"
        "This cannot be undone. Press the button, or send `/forget yes`.",
        "要我忘记你吗？我会删除你在这里以及所有已关联平台上的信息：你的名字、你的消息和对它们的回答、"
        "你的对话（包括保存在扣子上的）、智能体关于你的变量，以及身份关联。\n\n"
        "我无法删除：聊天中显示的消息（它们属于该平台）；智能体在扣子上自己的长期记忆；"
        "以及你与他人共享的对话，其中只有你自己说的话会从这里删除。\n\n"
        "此操作无法撤销。请按下按钮，或发送 `/forget yes`。",
    )
    FORGET_YES = Text("Yes, forget me", "是的，忘记我")
    FORGET_NO = Text("No", "不")
    NOT_FORGOTTEN = Text("Nothing was deleted.", "什么都没有删除。")
    FORGET_IN_PRIVATE = Text(
        "Please say /forget in a private chat with me. It covers what you said in groups as well.",
        "请在与我的私聊中发送 /forget，它也包括你在群组里说过的话。",
    )
    FORGOTTEN = Text(
        "Forgotten. What is stored at Coze is deleted as soon as Coze answers, and what was just "
        "being answered a minute after it is. If you write to me again, we begin anew.",
        "已忘记。扣子上的内容会在其响应后立即删除；正在回答的内容会在回答完一分钟后删除。"
        "如果你再次给我发消息，我们就重新开始。",
    )
    BUSY = Text(
        "I am still answering your last message. Please wait for it, or send /stop.",
        "我还在回答上一条消息。请稍等，或发送 /stop 停止。",
    )
    ONLY_TEXT = Text(
        "I cannot read a message of this kind. Please send text, a file or a voice message.",
        "我无法阅读这种消息。请发送文字、文件或语音。",
    )
    FILE_ALONE = Text("I sent you a file.", "我发了一个文件。")
    PLACE_ALONE = Text("This is where I am.", "这是我的位置。")
    FILE_TOO_LARGE = Text(
        "I could not take {name}: it is larger than {limit} MB.",
        "无法接收 {name}：文件超过 {limit} MB。",
    )
    FILE_EMPTY = Text("I could not take {name}: it is empty.", "无法接收 {name}：文件是空的。")
    FILE_FORMAT = Text(
        "I could not take {name}: the agent does not read files of this format.",
        "无法接收 {name}：智能体不支持这种文件格式。",
    )
    FILE_ANIMATED = Text(
        "I could not take {name}: the agent does not see animated stickers.",
        "无法接收 {name}：智能体看不到动态贴纸。",
    )
    FILE_VOICE_OFF = Text(
        "I do not listen to voice messages here. Please write instead.",
        "这里不支持语音消息，请发送文字。",
    )
    FILE_WITHHELD = Text(
        "I could not take {name}: the platform does not hand it out to me.",
        "无法接收 {name}：平台不允许我读取这个文件。",
    )
    FILE_GONE = Text(
        "I could not take {name}: it is not there any more.",
        "无法接收 {name}：文件已不存在。",
    )
    FILE_UNREADABLE = Text(
        "I could not take {name}: the platform did not deliver it. Please send it again.",
        "无法接收 {name}：平台没有送达这个文件，请重新发送。",
    )
    FILE_NOT_TAKEN = Text(
        "I could not take {name}: the agent did not accept it.",
        "无法接收 {name}：智能体没有接受这个文件。",
    )
    FILE_NOT_HEARD = Text(
        "I could not make out what you said. Please try again, or write.",
        "没有听清你说的话。请再说一次，或发送文字。",
    )
    USING = Text("*using {tool} …*", "*正在使用 {tool} …*")
    SHARE_LOCATION = Text("Share my location", "发送我的位置")
    SHARE_CONTACT = Text("Share my phone number", "发送我的手机号码")
    STOPPED = Text("*(stopped)*", "*（已停止）*")
    EMPTY = Text("The agent had nothing to say.", "智能体没有给出回答。")
    REFUSED = Text(
        "Sorry, the agent cannot answer this. (Reference {reference})",
        "抱歉，智能体无法回答这个问题。（编号 {reference}）",
    )
    EXHAUSTED = Text(
        "Sorry, the agent has used up what it may answer for now. (Reference {reference})",
        "抱歉，智能体目前的额度已用完。（编号 {reference}）",
    )
    FAILED = Text(
        "Sorry, something went wrong with this answer. (Reference {reference})",
        "抱歉，这次回答出了问题。（编号 {reference}）",
    )
    UNREACHABLE = Text(
        "Sorry, the agent cannot be reached at the moment. (Reference {reference})",
        "抱歉，暂时联系不上智能体。（编号 {reference}）",
    )
    LOST = Text(
        "Sorry, the rest of this answer was lost. Send /retry to ask again. "
        "(Reference {reference})",
        "抱歉，这个回答的其余部分丢失了。发送 /retry 可重新提问。（编号 {reference}）",
    )
    TRY_AGAIN = Text("Try again", "重试")


MENU: Mapping[str, Mapping[str, str]] = {
    "": {
        "new": "begin a new conversation",
        "stop": "stop the answer that is being written",
        "retry": "ask the last question again",
        "clear": "forget what was said",
        "history": "go back to an earlier conversation",
        "rename": "give the conversation a name",
        "delete": "delete the conversation",
        "usage": "what your answers have cost",
        "vars": "what the agent knows about you",
        "forget": "delete what is stored about you",
        "link": "be the same person on another platform",
        "unlink": "be somebody else there again",
        "help": "what I know",
    },
    "zh": {
        "new": "开始新的对话",
        "stop": "停止正在写的回答",
        "retry": "重新回答上一个问题",
        "clear": "忘掉之前的内容",
        "history": "回到以前的对话",
        "rename": "给对话改名",
        "delete": "删除对话",
        "usage": "查看用量",
        "vars": "智能体记得的信息",
        "forget": "删除保存的关于你的信息",
        "link": "关联你在另一个平台上的身份",
        "unlink": "取消身份关联",
        "help": "查看帮助",
    },
}
"""What each command is for, in a line, by language; the empty one is for all others."""


def say(phrase: Enum, language: str, **values: str) -> str:
    """The phrase in the user's language (BCP 47); English for all but Chinese.

    phrase: a `Phrase`, or a member of another list of `Text`s.
    """
    text: Text = phrase.value
    return (text.zh if is_chinese(language) else text.en).format(**values)


def is_chinese(language: str) -> bool:
    """Tell which of the two languages somebody reads."""
    return language.lower().startswith("zh")
