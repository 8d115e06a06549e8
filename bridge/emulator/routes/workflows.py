"""Chatflows: `/v1/workflows/chat` asks one directly, and always streams."""

from collections.abc import Sequence

from aiohttp import web
from pydantic import BaseModel, Field

from bridge.emulator.bots import Variable
from bridge.emulator.call import Call, Route
from bridge.emulator.chatflows import Workflow
from bridge.emulator.question import EnterMessage, checked_messages
from bridge.emulator.request import Asking
from bridge.emulator.routes.chat import answer
from bridge.emulator.state import refused
from bridge.emulator.views import Body

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
    _workflow(call, body.workflow_id)
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
        extra=body.ext or {},
    )
    scenario = call.emulator.playbook.pick(
        call.request.path, asking.text, asking.user_id, call.emulator.clock()
    )
    conversation_id = body.conversation_id or ""
    _check_owner(call, conversation_id, product)
    return await answer(call, asking, scenario, conversation_id=conversation_id, streamed=True)


def _workflow(call: Call, workflow_id: str) -> Workflow:
    """Find a published workflow. Raises `Refused` 4200."""
    found = call.emulator.chatflows.all.get(workflow_id)
    if found is None:
        raise refused(4200, f"The workflow {workflow_id} does not exist, or is not published")
    return found


def _product(call: Call, body: WorkflowBody) -> tuple[str, Sequence[Variable]]:
    """Return the app or bot the workflow runs for. Both at once is an error; none is allowed."""
    if body.app_id and body.bot_id:
        raise refused(4000, "app_id and bot_id cannot be given together")
    if body.bot_id:
        return body.bot_id, call.emulator.bots.online(body.bot_id).config.variables
    if body.app_id and body.app_id not in call.emulator.apps:
        raise refused(4200, f"The app {body.app_id} does not exist, or is not published")
    return body.app_id or "", call.emulator.apps.get(body.app_id or "", ())


def _check_owner(call: Call, conversation_id: str, product: str) -> None:
    """Raise `Refused` 4002 for a conversation of somebody else, where apps have their own."""
    if call.emulator.chatflows.bound and conversation_id:
        conversation = call.emulator.archive.conversation(conversation_id, call.caller)
        if conversation.app_id != product:
            raise refused(4002, f"The conversation {conversation_id} does not exist")


async def retrieve(call: Call) -> web.Response:
    """Show what is public about a workflow."""
    key = call.path("workflow_id")
    found = _workflow(call, key)
    detail: Body = {
        "workflow_id": key,
        "workflow_name": found.name,
        "description": "",
        "icon_url": "",
        "app_id": found.app_id,
        "created_at": str(found.updated_at),
        "updated_at": str(found.updated_at),
        "creator": {"id": "7000000000000000001", "name": "emulator"},
    }
    return call.ok({"workflow_detail": detail})


ROUTES = (
    Route("POST", "/v1/workflows/chat", chat),
    Route("GET", "/v1/workflows/{workflow_id}", retrieve),
)
