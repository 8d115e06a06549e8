"""An agent with variables, and what it is told of its users."""

from bridge.config import AgentSettings
from bridge.testing.agent import ScriptedAgent
from tests.stages.world import World

SOURCES = {"user_name": "user.name", "language": "user.language", "plan": "constant:free"}
OF_ANNA = {"user_name": "Anna Karenina", "language": "en-GB", "plan": "free"}


class Calls(list[dict[str, str]]):
    """The values of each call, read when it is looked at."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __eq__(self, other: object) -> bool:
        return [values for _, values in self._world.agent.told] == other

    def __repr__(self) -> str:
        return repr(self._world.agent.told)

    __hash__ = None  # type: ignore[assignment]  # it changes


def configured(world: World, sources: dict[str, str], **settings: object) -> list[dict[str, str]]:
    given = {"bot_id": "1", "variables": sources, **settings}
    world.agent_settings = AgentSettings.model_validate(given)
    world.wire()
    return Calls(world)


async def settled(world: World) -> None:
    """Let what runs in the background end."""
    await world.variables.close()
    world.wire()


def uid_of(agent: ScriptedAgent) -> str:
    return agent.told[0][0]
