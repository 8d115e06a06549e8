"""Files from other organisations (Slack Connect), of which an event tells only that they exist.

https://docs.slack.dev/reference/objects/file-object: their `file_access` is `check_file_info`.
"""

import asyncio
from dataclasses import replace

from adapters.slack.faults import as_bridge_errors
from adapters.slack.media import attachment_of, file_and_address
from adapters.slack.workspaces import Workspace
from bridge.errors import BridgeError
from bridge.events import Attachment, Inbound
from bridge.foreign import fields
from bridge.logs import get

log = get(__name__)

PATIENCE = 1.5  # seconds; Slack waits three for an acknowledgement


async def looked_up(event: Inbound, workspace: Workspace) -> Inbound:
    """Add what such files are called and what they are; others cost nothing.

    Where Slack does not tell in time, they stay as they are.
    """
    if all(file_and_address(each.ref)[1] for each in event.attachments):
        return event
    found = await asyncio.gather(*(_looked_up(each, workspace) for each in event.attachments))
    return replace(event, attachments=tuple(found))


async def _looked_up(attachment: Attachment, workspace: Workspace) -> Attachment:
    file, address = file_and_address(attachment.ref)
    if address:
        return attachment
    try:
        with as_bridge_errors():
            async with asyncio.timeout(PATIENCE):
                told = await workspace.client.files_info(file=file)
    except BridgeError as error:
        log.info("file.not_known", team=workspace.team, error=str(error))
        return attachment
    known = attachment_of(fields(told.get("file")))
    return known if file_and_address(known.ref)[1] else attachment
