"""Longer texts of the demo agent: what it shows when it is asked to show something."""

HELP = """\
Halt! Who goes there? Ah, a visitor. **Welcome to the bridge.** \
I am the Bridgekeeper. No fee today, but do try the view:

| Say | and see |
|---|---|
| `markdown`, `list`, `code`, `table` | formatting |
| `long` | a text of many pages, so you can watch it being split |
| `中文` | Chinese, with bold text in all the awkward places |
| `suggest` | questions you can press |
| `think 17 * 23` | what goes on before an answer |
| `slow`, `count to 10` | patience |
| `what did I say?` | memory, until `/new` or `/clear` |
| `weather in Rome`, `search for keys` | me using tools of my own |
| `time`, `world clock` | me asking the bridge to use its tools |
| `picture` | where I work |
| `ask me` | a question back, with answers to press |
| `where am I` | how far the oldest bridge is, if you share your place |
| a file, a photo, your voice | what arrived |
| `joke` | you have been warned |
| `faults` | everything that can go wrong, on demand |

Or just talk. I will say something back."""

HELP_ZH = """\
来者何人？原来是客人。**欢迎来到桥头**，我是守桥人，今天免过桥费：

| 说 | 看 |
|---|---|
| `列表`、`代码`、`表格` | 格式 |
| `长文` | 很多页的文字，看它怎样分段 |
| `中文` | 各种难缠位置的**粗体** |
| `建议` | 可以点的问题 |
| `想想 17 * 23` | 回答之前的思考 |
| `慢`、`数到 10` | 耐心 |
| `我说过什么` | 记忆，直到 `/new` 或 `/clear` |
| `罗马天气`、`搜索 钥匙` | 我用自己的工具 |
| `几点了`、`世界时钟` | 我请桥用它的工具 |
| `图片` | 我工作的地方 |
| `问我` | 反问一句，答案可以点 |
| `我在哪` | 发来位置，就知道离最古老的桥多远 |
| 文件、照片、语音 | 收到了什么 |
| `笑话` | 后果自负 |
| `faults` | 一切可能出错的事 |

或者随便聊聊，我总会回一句。"""

MARKDOWN = """\
# Everything at once

Plain, **bold**, *italic*, ***both***, ~~struck out~~, `code`, and a \
[link with (brackets)](https://en.wikipedia.org/wiki/Bridge_(structure)).

> A bridge is a question the river asks
> and the road answers.

## Lists

1. first
2. second
   - with a branch
   - and **another**
3. third

- [x] arrived
- [ ] left

## Code

```python
def cross(bridge: Bridge, *, boots: bool = True) -> Shore:
    return bridge.far_side(boots)  # a < b && c > d, untouched
```

---

An ampersand & a `<tag>` & 3 < 4, and that was *that*."""

LIST = """\
What every bridge needs:

- two shores
- something between them:
  1. stone, if you have time
  2. rope, if you have friends
  3. **optimism**, if you have neither
- a keeper with a good sense of humour"""

LIST_ZH = """\
一座桥需要：

- 两岸
- 中间的东西：
  1. 石头，如果有时间
  2. 绳子，如果有朋友
  3. **乐观**，如果都没有
- 一位幽默的守桥人"""

CODE = """\
Here is how I decide who may pass:

```python
QUESTIONS = ("your name", "your quest", "your favourite colour")

def may_pass(traveller: Traveller) -> bool:
    answers = [traveller.ask(f"What is {q}?") for q in QUESTIONS]
    return "blue. No, yel" not in answers[-1]
```

And the same in a language with more brackets:

```javascript
const mayPass = (t) => !t.ask("What is your favourite colour?").includes("No, yel");
```

Inline it is just `may_pass(you)`, which is `True`."""

TABLE = """\
| Bridge | Place | Opened | Length |
|:--|:--|--:|--:|
| Anji Bridge (安济桥) | Zhaoxian | 605 | 64 m |
| Ponte Vecchio | Florence | 1345 | 95 m |
| Iron Bridge | Shropshire | 1781 | 60 m |
| Golden Gate | San Francisco | 1937 | 2,737 m |
| Millau Viaduct | Aveyron | 2004 | 2,460 m |

The oldest one still carries people. Good work lasts."""

CHINESE = """\
**你好！**我是守桥人。下面是一些难缠的粗体：

- **重要：**这句话的粗体紧跟着全角冒号。
- 他说**“桥在人在”**，然后就笑了。
- 中文**粗体**与English**混排**，还有`代码`。
- 数字**100%**、括号**（很重要）**、句号**结束。**下一句。

> 小桥流水人家，古道西风瘦马。

```python
print("你好，世界")  # 注释也是中文
```

有什么想问的，**尽管说**。"""

LONG = """\
# How a message crosses the bridge

You asked for something long, so sit down; this takes a while. It is the story of one small \
message, told by somebody who watches thousands of them go by every day.

## 1. The near shore

A message begins as a thumb on glass. Somebody types *hello*, hesitates, adds an exclamation \
mark, takes it away again, and presses send. From this moment on there is exactly one of it. \
That sounds easy. It is not: phones lose their signal in lifts, platforms deliver twice to be \
on the safe side, and servers restart whenever somebody in the next room says that they \
never do. So the first thing that happens at the bridge is the least exciting one. The message \
is written down, the ink dries, and only **then** does the gate say "thank you".

```sql
INSERT INTO inbox (platform, account, event_id, body)
VALUES ('web', 'demo', '42', 'hello')
ON CONFLICT DO NOTHING;   -- delivered twice? then we have it already
```

If the same message knocks again, it finds its name in the book and goes home. Nobody is hurt \
and nobody is answered twice.

## 2. The queue

Messages of one conversation cross in single file. It would be quicker to let them run, but \
imagine asking "How are you?" and "Is that a goat?" and getting the answers in the other \
order. Different conversations, on the other hand, have nothing to do with one another, and \
the bridge has as many lanes as there are people talking:

1. one lane for each conversation,
2. one message at a time in each lane,
3. and nobody waits for a stranger.

## 3. The question

On the far shore lives the agent. It is asked once. Not "once, and again if it takes too \
long", but *once*, because agents have good memories: asking twice leaves two questions in \
the conversation, and two bills. What if the line goes dead in the middle of an answer? Then \
the bridge remembers which chat it was, walks over, and asks politely how it ended:

```python
async def recover(chat: Trace) -> Answer:
    \"\"\"Never ask again. Somebody over there already knows.\"\"\"
    while isinstance(outcome := await agent.outcome(chat), Running):
        await asyncio.sleep(1)
    return outcome.answer
```

## 4. The answer comes back in crumbs

An answer does not arrive, it trickles. A word, half a word, a comma. Each crumb comes in a \
little envelope of its own, and some of the envelopes are empty, and some have notes in them \
that were never meant for you. The bridge reads all of them and shows you only what was said \
to you. Here is a row of crumbs:

```text
event:conversation.message.delta
data:{"content":"Good "}

event:conversation.message.delta
data:{"content":"morning"}
```

## 5. Fast river, slow mill

Crumbs may come fifty times a second, but a chat can be edited perhaps once. A poor bridge \
keeps a queue of edits and falls further and further behind; you would be reading the past. \
A better one keeps a single slate. Whoever comes with news wipes it and writes the newest \
text; whoever is ready to show something takes what is on the slate. Nothing piles up, and \
what you see is always *now*.

| | a queue | a slate |
|:--|:--|:--|
| memory | grows | one text |
| when the mill is slow | you see the past | you see now |
| when the river stops | still busy | done |

## 6. Pages

A message on most platforms has a largest size, and this text is larger than that on all of \
them. Watch what happens at the border: a new message begins, the old one is never touched \
again, and no sentence is cut in half if it can be helped. Code is the hard part. A block that \
is cut must be closed on the first page and opened again on the second, or else everything \
after it looks like a program:

```rust
fn split(text: &str, limit: usize) -> Vec<String> {
    // Close the fence here, open it again there,
    // and pretend that nothing happened.
    pages(text, limit)
        .map(|page| page.with_balanced_fences())
        .collect()
}
```

And half-written things must look right too. While I am still typing `**bo`, you should not see \
two lost asterisks, because in a moment they will be **bold**.

## 7. The last edit

There is one edit that matters more than all others, and that is the last. A missing one in \
the middle is a flicker, but a missing last one is a lie: it leaves you with an answer that \
stops in the middle of a sen

…tence. So the final text is written into the book before it is sent, and whoever starts the \
bridge again after a power cut opens the book and finishes the line.

## 8. When the keeper falls asleep

Keepers do, now and then. Somebody pulls a plug, somebody deploys on a Friday. Then all that \
counts is the book:

- *received*: nothing was asked yet, so ask;
- *asking*: perhaps it was, so look before you ask;
- *asked*: it was, so never ask again, go and fetch the answer;
- *answered*: the text is here, so deliver it;
- *delivered*: sleep well.

```python
match turn.state:
    case "received":
        await ask(turn)
    case "asking":
        await look_before_asking(turn)
    case "asked":
        await fetch(turn)
    case "answered":
        await deliver(turn)
    case "delivered":
        pass  # the nicest branch there is
```

## 9. What could possibly go wrong

Nearly everything, and most of it on a Friday. The river rises and the line falls silent in \
the middle of a word. The far shore says "busy" and means it. Somebody presses *stop* while \
the answer is on the planks, and it keeps walking, because nobody over there was told. The \
last envelope comes without a stamp, or not at all; now and then one is torn in the middle of \
a Chinese character. Each of these has happened to somebody, each has a name here, and each \
can be had for the asking: say `faults` and choose one.

| what you feel | what it was | what the keeper does |
|:--|:--|:--|
| a pause | the line is silent | waits, then walks over |
| a short "sorry" | the far shore is closed | writes it in the book, with a number |
| nothing at all | the best kind of fault | smiles |

## 10. The far shore

And that is all: one message over, one answer back, nothing lost and nothing said twice. It \
is not a miracle, only bookkeeping and a little patience. But from where I stand, with the \
river below and the lamps coming on at both ends, it looks rather good.

*If you have read this far, you deserve the secret of the bridge: say* `joke`."""

LONG_ZH = (
    "# 一条消息怎样过桥\n\n"
    "你要长文，那就坐下慢慢听。\n\n"
    + "\n\n".join(
        f"## 第{number}站：{name}\n\n"
        + f"{story}守桥人把这一步记在账本上，**墨干之后：**才放行。" * 4
        for number, name, story in (
            ("一", "此岸", "消息从指尖出发，只有一份，不多也不少。"),
            ("二", "排队", "同一段对话里的人一个接一个走，不同的对话互不等待。"),
            ("三", "发问", "对岸的智能体只问一次，绝不问第二次。"),
            ("四", "回音", "回答一个字一个字地来，像雨点落在河面上。"),
            ("五", "分页", "一页写满就换一页，代码块要好好地合上再打开。"),
            ("六", "彼岸", "最后一笔最重要，一定要送到。"),
        )
    )
    + '\n\n```python\nprint("过桥完毕")\n```\n\n谢谢你读到这里。'
)
