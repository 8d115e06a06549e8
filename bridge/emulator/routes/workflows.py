"""`/v1/workflows/chat`: a chatflow asked directly. Always streams."""

from collections.abc import Sequence

from aiohttp import web
from pydantic import BaseModel, Field

from bridge.emulator.asking import Asking
from bridge.emulator.bots import Variable
from bridge.emulator.call import Call, Route
from bridge.emulator.question import EnterMessage, checked_messages
from bridge.emulator.routes.chat import answer
from bridge.emulator.state import refused

_MOST_MESSAGES = 50


class WorkflowBody(BaseModel):
    """The body. Here conversation_id is in it, and the user is in `ext`."""

    workflow_id: str = Field(min_length=1)
    additional_messages: list[EnterMessage]
    parameters: dict[str, object] = {}
    app_id: str | None = None
    bot_id: str | None = None
    conversation_id: str | None = None
    ext: dict[str, str] | None = None


async def chat(call: Call) -> web.StreamResponse:
    """Ask a chatflow."""
    body = await call.body(WorkflowBody)
    if body.workflow_id not in call.emulator.workflows:
        raise refused(4200, f"The workflow {body.workflow_id} does not exist")
    product, known = _product(call, body)
    messages = checked_messages(body.additional_messages, _MOST_MESSAGES)
    asking = Asking(
        caller=call.caller,
        user_id=(body.ext or {}).get("user_id", ""),
        bot_id="",
        product_id=product,
        known=known,
        messages=messages,
        meta_data={},
        workflow=True,
    )
    scenario = call.emulator.playbook.pick(
        call.request.path, asking.text, asking.user_id, call.emulator.clock()
    )
    conversation_id = body.conversation_id or ""
    return await answer(call, asking, scenario, conversation_id=conversation_id, streamed=True)


def _product(call: Call, body: WorkflowBody) -> tuple[str, Sequence[Variable]]:
    """Return the app or bot the workflow runs for. Both at once is an error; none is allowed."""
    if body.app_id and body.bot_id:
        raise refused(4000, "app_id and bot_id cannot be given together")
    if body.bot_id:
        return body.bot_id, call.emulator.bots.online(body.bot_id).config.variables
    return body.app_id or "", call.emulator.apps.get(body.app_id or "", ())


ROUTES = (Route("POST", "/v1/workflows/chat", chat),)
