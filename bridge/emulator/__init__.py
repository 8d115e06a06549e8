"""A Coze emulator over real HTTP, with faults on demand.

    async with serve(Emulator(), port=0) as emulator:
        ...  # talk to emulator.url with DEMO_TOKEN and DEMO_BOT_ID

It follows the Coze API notes: conversations, messages, chats with their state machine,
variables, agents, files, feedback and tokens. `scenario.py` has the vocabulary of what may go
wrong, `faults.py` a ready-made fault for every word of it.
"""

from bridge.emulator.answer import Agent, Answer, Memory
from bridge.emulator.auth import OAuthApp
from bridge.emulator.emulator import (
    DEMO_APP_ID,
    DEMO_BOT_ID,
    DEMO_TOKEN,
    DEMO_WORKFLOW_ID,
    DEMO_WORKSPACE_ID,
    Emulator,
)
from bridge.emulator.faults import FAULTS
from bridge.emulator.scenario import Cut, Drop, Quirk, Scenario, ToolCall, Trouble
from bridge.emulator.server import serve
from bridge.emulator.state import Asked, RefusedQuestion

__all__ = [
    "DEMO_APP_ID",
    "DEMO_BOT_ID",
    "DEMO_TOKEN",
    "DEMO_WORKFLOW_ID",
    "DEMO_WORKSPACE_ID",
    "FAULTS",
    "Agent",
    "Answer",
    "Asked",
    "Cut",
    "Drop",
    "Emulator",
    "Memory",
    "OAuthApp",
    "Quirk",
    "RefusedQuestion",
    "Scenario",
    "ToolCall",
    "Trouble",
    "serve",
]
