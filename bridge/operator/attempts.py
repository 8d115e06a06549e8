"""Looking at one thing with the network: what `init` tries as soon as it is told."""

import asyncio
from collections.abc import Awaitable, Sequence

from bridge.config import AgentSettings, CozeSettings
from bridge.coze.examine import open_examiner
from bridge.errors import BridgeError, Misconfigured, Transient, Unauthorised
from bridge.operator import sights
from bridge.platform import Finding

PATIENCE = 20.0  # seconds for one thing that is looked at
_NO_AGENT = AgentSettings(bot_id="0")


async def token(coze: CozeSettings) -> list[Finding]:
    """See whether Coze lets the token in; it need not lead to an agent yet."""
    async with open_examiner(coze) as examiner:
        try:
            await examiner.see(_NO_AGENT)
        except Unauthorised as error:
            return [sights.of_error("", _NO_AGENT, error, coze)]
        except Transient as error:
            cure = f"is it right ({coze.base_url}), and may this machine reach it?"
            return [Finding("wrong", f"coze.base_url: {error}; {cure}")]
        except BridgeError:
            pass  # there is no such agent: so somebody was let in who might have asked for one
    return [Finding("ok", f"coze.token: {coze.base_url} accepts it")]


async def agent(coze: CozeSettings, name: str, its: AgentSettings) -> list[Finding]:
    """See whether the agent is there, and published to the channel API."""
    async with open_examiner(coze) as examiner:
        try:
            return list(sights.of_agent(name, its, await examiner.see(its), {}))
        except BridgeError as error:
            return [sights.of_error(name, its, error, coze)]


async def bounded(
    part: str, attempt: Awaitable[Sequence[Finding]], patience: float = PATIENCE
) -> Sequence[Finding]:
    """Make a finding of whatever becomes of an attempt. patience: seconds."""
    try:
        async with asyncio.timeout(patience):
            return await attempt
    except TimeoutError:
        text = f"no answer within {patience:.0f} s; is it overloaded, or is something in between?"
        return [Finding("wrong", f"{part}: {text}")]
    except Misconfigured as error:
        return [Finding("wrong", problem) for problem in error.problems]
    except BridgeError as error:
        return [Finding("wrong", f"{part}: {error}")]
