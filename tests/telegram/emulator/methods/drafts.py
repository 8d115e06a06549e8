"""Drafts: a text that grows for half a minute and leaves nothing behind."""

from tests.telegram.emulator.ask import Ask, Handler
from tests.telegram.emulator.entities import LONGEST_TEXT
from tests.telegram.emulator.errors import bad
from tests.telegram.emulator.limits import Kind


async def send_message_draft(ask: Ask) -> bool:
    params = ask.params
    body = ask.formatted("text", "entities", longest=LONGEST_TEXT, empty=True)
    chat = ask.chat(write=True)
    if not chat.is_private or chat.business:
        raise bad("TEXTDRAFT_PEER_INVALID")
    draft_id = params.integer("draft_id")
    if not draft_id:
        raise bad("RANDOM_ID_EMPTY")  # the text is an assumption; that zero is refused is not
    thread = chat.check_topic(params.integer("message_thread_id"))
    ask.pay(chat, Kind.DRAFT)
    draft = chat.show_draft(draft_id, thread, body)
    draft.can_stop = params.flag("can_stop")
    draft.keep_on_stop = params.flag("keep_on_stop")
    return True


METHODS: dict[str, Handler] = {"sendMessageDraft": send_message_draft}
