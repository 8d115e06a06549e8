"""Three sides of one configuration: the file, Coze, and what both had at the last pull. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from bridge.agentfile.fields import ICON, PROMPTS, Fields, changes, same
from bridge.agentfile.icon import same_picture


@dataclass(frozen=True, slots=True)
class Draft:
    """An agent's draft as Coze shows it. What Coze does not show is not in `fields`.

    update_time: seconds since 1970, 0 where Coze does not tell.
    """

    fields: Fields
    update_time: int = 0
    icon_url: str = ""


@dataclass(frozen=True, slots=True)
class Base:
    """What the file and Coze had in common when they last met."""

    bot_id: str
    fields: Fields = field(default_factory=dict)
    update_time: int = 0
    icon_url: str = ""


@dataclass(frozen=True, slots=True)
class Merged:
    """The file after a pull. clashes: keys changed on both sides, where Coze's value is taken."""

    fields: Fields
    clashes: tuple[str, ...] = ()


def merged(mine: Fields, base: Base | None, draft: Draft) -> Merged:
    """Take over what was changed at Coze, and keep what was changed in the file.

    A key that somebody removed from the file stays out of it: what is absent is not managed.
    """
    common = base.fields if base is not None else {}
    result = dict(mine)
    clashes = []
    for key, theirs in _shown(draft, mine).items():
        if key not in mine:
            if key not in common:
                result[key] = theirs
        elif not same(key, mine[key], theirs) and not same(key, common.get(key), theirs):
            if not same(key, common.get(key), mine[key]):
                clashes.append(key)
            result[key] = theirs
    return Merged(_consistent(result), tuple(clashes))


def met(bot_id: str, file: Fields, base: Base | None, draft: Draft) -> Base:
    """Return the new common ground after a pull.

    What Coze does not show is as it was: only a push tells what it is there.
    """
    before = base.fields if base is not None and base.bot_id == bot_id else {}
    fields = _consistent({**before, **_shown(draft, file)})
    return Base(bot_id, fields, draft.update_time, draft.icon_url)


def known(base: Base | None, draft: Draft) -> Fields:
    """Everything known of Coze's side: what it shows, else what was last pushed."""
    return {**(base.fields if base is not None else {}), **draft.fields}


def overwritten(mine: Fields, base: Base | None, draft: Draft) -> Iterator[str]:
    """Yield a sentence for each kind of change by somebody else that a push would undo."""
    if base is None:
        different = [its.key for its in changes(mine, draft.fields) if its.key in draft.fields]
        if different:
            yield f"{', '.join(different)}: differs at Coze, and this file was never pulled"
        return
    shown = _shown(draft, mine)
    mode: Fields = {"prompt_mode": "standard"} if "prompt" in mine else {}
    lost = [its.key for its in changes({**mode, **mine}, shown) if _moved(its.key, base, shown)]
    if lost:
        yield f"{', '.join(lost)}: changed at Coze since the last pull"
    yield from _unseen(mine, base, draft)


def _moved(key: str, base: Base, shown: Fields) -> bool:
    """Tell whether somebody changed it at Coze since the last pull."""
    theirs = shown.get(key)
    return theirs is not None and not same(key, base.fields.get(key), theirs)


def _unseen(mine: Fields, base: Base, draft: Draft) -> Iterator[str]:
    """Look at what Coze does not show: that somebody was there is all one can know."""
    touched = draft.update_time not in (0, base.update_time)
    hidden = [key for key in mine if key not in draft.fields and key != ICON]
    if touched and hidden:
        yield (
            f"{', '.join(hidden)}: may have changed, for the agent was edited at Coze since the"
            " last pull, in something Coze's API does not show"
        )
    new_icon = ICON in mine and not same(ICON, mine[ICON], base.fields.get(ICON))
    if new_icon and not same_picture(base.icon_url, draft.icon_url):
        yield f"{ICON}: the icon was changed at Coze since the last pull"


def _shown(draft: Draft, mine: Fields) -> Fields:
    """Leave out the plain prompt where a prefix is cached: another text stands for it."""
    mode = draft.fields.get("prompt_mode", mine.get("prompt_mode"))
    if mode == "prefix":
        return {key: value for key, value in draft.fields.items() if key != "prompt"}
    return {key: value for key, value in draft.fields.items() if key not in PROMPTS[1:]}


def _consistent(fields: Fields) -> Fields:
    """Leave out the prompts that the mode does not use."""
    unused = PROMPTS[:1] if fields.get("prompt_mode") == "prefix" else PROMPTS[1:]
    return {key: value for key, value in fields.items() if key not in unused}
