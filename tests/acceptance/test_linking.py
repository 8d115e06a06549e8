"""One person on Telegram and on the chat page, through `coze-bridge run`."""

import asyncio
import re
from itertools import count

import aiohttp
from daemon_process import ASK, PATIENCE, Daemon, eventually
from telegram_world import TelegramWorld, finished, is_growing
from test_web_kill import Visitor

from bridge.coze import ClientSettings, CozeClient, Pat
from bridge.emulator import DEMO_BOT_ID, DEMO_TOKEN, Answer, Memory
from bridge.phrases import Phrase, say

ANNA = 1
LINKED, UNLINKED = say(Phrase.LINKED, "en"), say(Phrase.UNLINKED, "en")


def clerk(_: str, memory: Memory) -> Answer:
    """An agent that knows what its user pays for; for strangers that is the default."""
    return Answer(f"Your plan is {memory.variables['plan']}.")


class Page(Visitor):
    """A visitor who says one thing after another, each answered before the next."""

    def __init__(self, http: aiohttp.ClientSession, daemon: Daemon) -> None:
        super().__init__(http)
        self._daemon = daemon
        self._numbers = count()

    async def chat(self, text: str) -> str:
        """Say something; the answer to it."""
        await self.enter(self._daemon)
        before = len(await self.answers())
        status, body = await self.say(text, f"message-{next(self._numbers)}")
        assert status == 202, body
        async with asyncio.timeout(PATIENCE):
            while len(answers := await self.answers()) == before:
                await asyncio.sleep(ASK)
        return answers[-1]

    async def answers(self) -> list[str]:
        """The finished ones."""
        entries = await self.snapshot()
        return [e["text"] for e in entries if e["author"] == "bot" and e["final"]]


async def replies(telegram: TelegramWorld, text: str) -> str:
    """Say something on Telegram; the answer to it."""
    chat = telegram.chat(ANNA)
    before = len(finished(chat.answers))
    await telegram.say(ANNA, text)
    await eventually(lambda: len(chat.answers) > before and not is_growing(chat.answers[-1]))
    return chat.answers[-1].text


async def test_what_the_agent_knows_of_a_person_follows_them_to_another_platform(
    telegram: TelegramWorld,
) -> None:
    telegram.coze.agent = clerk
    daemon = telegram.daemon(adapters__web__access="open")
    await daemon.ready()
    await replies(telegram, "hello")
    [first] = telegram.coze.asked
    async with CozeClient(telegram.coze.url, Pat(DEMO_TOKEN), ClientSettings()) as coze:
        owner = {"bot_id": DEMO_BOT_ID, "connector_id": "1024"}
        await coze.set_variables(owner, first.user_id, {"plan": "gold"})
    said = await replies(telegram, "/link")
    found = re.search(r"/link ([A-Z]{4}-[A-Z]{4})", said)
    assert found, said
    daemon.kill()
    daemon.start()
    async with aiohttp.ClientSession() as http:
        page = Page(http, daemon)
        assert await page.chat("My plan?") == "Your plan is free."
        assert await page.chat(f"/link {found[1]}") == LINKED
        assert await page.chat("My plan?") == "Your plan is gold."
        assert await page.chat("/unlink") == UNLINKED
        assert await page.chat("My plan?") == "Your plan is free."
    uids = [asked.user_id for asked in telegram.coze.asked]
    assert uids[0] == uids[2]
    assert uids[1] == uids[3] != uids[0]
    assert len({asked.conversation_id for asked in telegram.coze.asked[1:]}) == 1
