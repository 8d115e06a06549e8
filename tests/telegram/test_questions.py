"""What an agent asks back, answered on Telegram."""

import pytest

from tests.telegram.emulator import Emulator, Private
from tests.telegram.world import World

pytestmark = pytest.mark.filterwarnings("ignore::telegram.warnings.PTBDeprecationWarning")


@pytest.fixture
def anna(telegram: Emulator) -> Private:
    return telegram.person(1001, "Anna").chat()


@pytest.mark.parametrize("by_button", [True, False], ids=["button", "text"])
async def test_question_of_the_agents_is_answered(
    world: World, anna: Private, by_button: bool
) -> None:
    asking = {"reply": "Which city?", "needs_reply": True, "options": ("Rome", "Oslo"), "times": 1}
    world.script("weather", endpoint="*", **asking)
    world.script("Oslo", endpoint="*", reply="It snows.")
    async with world.running():
        await anna.say("What is the weather?")
        await anna.until(lambda _: anna.answers and len(anna.answers[-1].buttons) == 2)
        question = anna.answers[-1]
        assert [button.label for button in question.buttons] == ["Rome", "Oslo"]
        await (question.press("Oslo") if by_button else anna.say("Oslo"))
        await anna.final("It snows.")
    assert world.questions() == ["What is the weather?", "Oslo"]
    assert len({each.conversation_id for each in world.coze.asked}) == 1
