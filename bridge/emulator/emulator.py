"""The emulator as an object: its state, its scenarios, and what a test asks it."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence

from bridge.emulator.agent import DEMO_BOT, demo_agent
from bridge.emulator.answer import Agent
from bridge.emulator.auth import Keyring, OAuthApp
from bridge.emulator.bots import API_CHANNEL, Bots
from bridge.emulator.chatflows import Chatflows, Workflow
from bridge.emulator.ids import Ids
from bridge.emulator.performance import Surroundings
from bridge.emulator.playbook import Playbook
from bridge.emulator.scenario import Scenario
from bridge.emulator.shelves import Audio, Files, Variables
from bridge.emulator.stage import Stage
from bridge.emulator.state import Archive, Asked, Feedback, Opinion, RefusedQuestion, asked

DEMO_BOT_ID = "7342866812345678901"
DEMO_APP_ID = "7448857477636685850"
DEMO_WORKFLOW_ID = "7350583675492345678"
DEMO_WORKSPACE_ID = "7376476310010937396"
DEMO_TOKEN = "pat_demo"  # noqa: S105 - opens nothing but an emulator


class Emulator:
    """A Coze of one's own. `serve` puts it on a port; its state outlives that.

    pace: seconds between two words. seed: of ids, tokens and everything random. clock:
    seconds since 1970, for time stamps and expiry.
    """

    def __init__(
        self,
        *,
        token: str = DEMO_TOKEN,
        agent: Agent = demo_agent,
        pace: float = 0.03,
        seed: int = 0,
        clock: Callable[[], float] = time.time,
        oauth_apps: Sequence[OAuthApp] = (),
    ) -> None:
        self.agent = agent
        self.pace = pace
        self.seed = seed
        self.clock = clock
        self.url = ""
        self.dice = random.Random(f"emulator {seed}")
        self.ids = Ids(seed)
        self.keyring = Keyring(token, oauth_apps, clock=clock, seed=seed)
        self.playbook = Playbook()
        self.stage = Stage()
        self.archive = Archive()
        self.bots = Bots(self.ids, clock)
        self.variables = Variables(clock)
        self.files = Files(self.ids, clock)
        flow = Workflow("Bridge tour", DEMO_APP_ID, int(clock()))
        self.chatflows = Chatflows({DEMO_WORKFLOW_ID: flow})
        self.apps = {DEMO_APP_ID: DEMO_BOT.variables}
        self.audio = Audio()
        self.opinions: list[Opinion] = []
        self.refused: list[RefusedQuestion] = []
        self.calls: Counter[str] = Counter()
        self.around = Surroundings(self.ids, clock, self.changed)
        self._waiting: set[asyncio.Future[None]] = set()
        bot = self.bots.create(DEMO_WORKSPACE_ID, DEMO_BOT, bot_id=DEMO_BOT_ID)
        self.bots.publish(bot, (API_CHANNEL,))

    def install(self, scenario: Scenario) -> None:
        """Script what happens to the questions `scenario` matches."""
        self.playbook.install(scenario)

    def uninstall(self) -> None:
        """Remove all scenarios."""
        self.playbook.clear()

    @property
    def feedback(self) -> dict[str, Feedback]:
        """What is thought of answers now, by the ids of their messages."""
        conversations = self.archive.conversations.values()
        return {key: said for each in conversations for key, said in each.feedback.items()}

    @property
    def asked(self) -> list[Asked]:
        """Every question that was accepted, oldest first, as it stands now."""
        return [asked(chat) for chat in self.archive.chats.values()]

    async def until(self, happened: Callable[["Emulator"], bool], *, within: float = 30.0) -> None:
        """Wait for something to be true of the emulator.

        Looks again after each question, delta and change of a chat's status. Raises
        `TimeoutError` after `within` seconds.
        """
        async with asyncio.timeout(within):
            while not happened(self):
                change = asyncio.get_running_loop().create_future()
                self._waiting.add(change)
                try:
                    await change
                finally:
                    self._waiting.discard(change)

    def changed(self) -> None:
        """Wake everybody who waits in `until`."""
        for change in self._waiting:
            if not change.done():
                change.set_result(None)
