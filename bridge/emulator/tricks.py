"""What the demo agent can do beyond words: tools, pictures, questions of its own, files, places."""

import json
from math import asin, cos, radians, sin, sqrt

from bridge.emulator.answer import Answer, Result, Sent
from bridge.emulator.heard import Heard
from bridge.emulator.scenario import ToolCall

COLOURS = ("Blue", "Red", "Blue. No, yellow!")
COLOURS_ZH = ("蓝色", "红色", "蓝色。不，黄色！")
CLOCKS = ("Asia/Shanghai", "Europe/Rome")
"""Time zones of the two oldest bridges it knows."""

_ANJI = (37.7208, 114.7631)  # the oldest bridge that still carries people
_EARTH = 6371.0  # kilometres, its radius
_THINKING = 1.2  # seconds that a tool of its own takes
_SKIES = (
    ("clear", "晴", "☀️"),
    ("a little cloudy", "多云", "⛅"),
    ("raining, bring a boat", "有雨，带条船来", "🌧️"),
    ("foggy; I can hardly see the far side", "有雾，快看不见对岸了", "🌫️"),
)


def weather(heard: Heard) -> Answer:
    """Look the weather up, with a tool of its own."""
    place = (heard.found["place"] or "").strip(" ?？。.!") or heard.say("the bridge", "桥上")
    english, chinese, sign = heard.dice.choice(_SKIES)
    degrees = heard.dice.randint(-5, 34)
    return Answer(
        heard.say(
            f"{sign} At {place} it is {english}, {degrees} °C. I asked a tool of mine.",
            f"{sign} {place}现在{chinese}，{degrees} °C。我问过我的工具了。",
        ),
        uses=(_call("get_weather", place=place),),
        use_for=_THINKING,
    )


def search(heard: Heard) -> Answer:
    """Pretend to search, with two tools of its own."""
    query = heard.found["query"].strip(" ?？。.!")
    return Answer(
        heard.say(
            f"I searched the web for “{query}”, read a page, and found: 42.",
            f"我在网上搜了“{query}”，读了一页，结果是：42。",
        ),
        uses=(_call("search_web", query=query), _call("read_page", address="…")),
        use_for=_THINKING,
    )


def clock(heard: Heard) -> Answer:
    """Ask the bridge for the time, which an agent does not know by itself."""
    return Answer(
        heard.say("Let me look at the sundial.", "我看看日晷。"), tools=(_call("current_time"),)
    )


def clocks(heard: Heard) -> Answer:
    """Ask for the time in two places at once."""
    calls = tuple(_call("current_time", timezone=zone) for zone in CLOCKS)
    return Answer(heard.say("Two sundials, one look.", "两座日晷，看一眼就够。"), tools=calls)


def where(heard: Heard) -> Answer:
    """Ask the user for their place, by a tool of the bridge."""
    return Answer("", tools=(_call("ask_location"),))


def after_tools(heard: Heard) -> Answer:
    """Say what came of the tools that the bridge has."""
    results = heard.memory.results
    if results[-1].call.name == "ask_location":
        return Answer(
            heard.say(
                "Share your location with me, and I will tell how far the oldest bridge is.",
                "把你的位置发给我，我就告诉你最古老的桥有多远。",
            )
        )
    lines = "\n".join(f"- {_outcome(result)}" for result in results)
    return Answer(heard.say(f"Your tools said:\n\n{lines}", f"你的工具说：\n\n{lines}"))


def _outcome(result: Result) -> str:
    try:
        told = json.loads(result.output)
    except ValueError:
        told = None
    if isinstance(told, dict) and isinstance(told.get("time"), str):
        return f"{told.get('timezone', '')} **{told['time']}**".strip()
    return f"`{result.call.name}`: {result.output[:500]}"


def picture(heard: Heard) -> Answer:
    """Show a picture, which the emulator has."""
    text = heard.say("Here it is, at dusk:", "看，黄昏的桥：")
    alt = heard.say("The bridge", "桥")
    after = heard.say("I lit the lamp myself.", "灯是我点的。")
    return Answer(f"{text}\n\n![{alt}]({heard.memory.url}/_emulator/bridge.png)\n\n{after}")


def question(heard: Heard) -> Answer:
    """Ask back, with options."""
    return Answer(
        heard.say("What is your favourite colour?", "你最喜欢什么颜色？"),
        asks=True,
        options=COLOURS_ZH if heard.chinese else COLOURS,
    )


def replied(heard: Heard) -> Answer:
    """Judge the reply to its own question."""
    if any(word in heard.text.lower() for word in ("no,", "yellow", "不，", "黄")):
        return Answer(
            heard.say(
                "Aaaargh! *(You fly off the bridge. It happens to the best knights.)*",
                "啊啊啊！*（你从桥上飞了出去，最好的骑士也难免。）*",
            )
        )
    return Answer(
        heard.say(f"“{heard.text}”. Right. Off you go.", f"“{heard.text}”。好，过去吧。"),
        follow_ups=(heard.say("Ask me", "问我"), heard.say("help", "帮助")),
    )


def received(heard: Heard) -> Answer:
    """Describe the files that came with a question."""
    listed = "\n".join(f"- {_described(each, heard)}" for each in heard.memory.sent)
    if any(each.kind == "audio" for each in heard.memory.sent):
        return Answer(
            heard.say(
                f"I heard you. It came as\n\n{listed}\n\nListen, I hum it back.",
                f"我听到了，收到的是\n\n{listed}\n\n听，我哼给你听。",
            )
        )
    quoted = f"“{heard.text[:200]}”" if heard.text else ""
    return Answer(
        heard.say(
            f"Thank you{f' for {quoted}' if quoted else ''}. By the lamp I put\n\n{listed}",
            f"谢谢{quoted}，灯旁边放着\n\n{listed}",
        )
    )


def _described(each: Sent, heard: Heard) -> str:
    kinds = {
        "image": heard.say("a picture", "图片"),
        "audio": heard.say("a recording", "录音"),
        "file": heard.say("a file", "文件"),
    }
    size = f"{each.size:,} {heard.say('bytes', '字节')}" if each.size else "?"
    return f"`{each.name}`, {kinds.get(each.kind, each.kind)}, {size}"


def there(heard: Heard) -> Answer:
    """Say how far it is from where the user is."""
    latitude, longitude = (float(each) for each in heard.memory.place or ("0", "0"))
    far = round(_distance((latitude, longitude), _ANJI))
    where = f"{latitude:.4f}, {longitude:.4f}"
    return Answer(
        heard.say(
            f"You are at **{where}**: {far:,} km from the Anji Bridge, the oldest I know.",
            f"你在 **{where}**，离我知道的最古老的安济桥 {far:,} 公里。",
        )
    )


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Measure along the surface, by the haversine formula; degrees in, kilometres out."""
    (a, b), (c, d) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((c - a) / 2) ** 2 + cos(a) * cos(c) * sin((d - b) / 2) ** 2
    return 2 * _EARTH * asin(sqrt(half))


def _call(name: str, **arguments: str) -> ToolCall:
    return ToolCall(name, json.dumps(arguments, ensure_ascii=False))
