"""Which page comes next, and one answer out of all pages: pure.

Coze has four ways: a page number in the query, one in the body, a token, the last id. What
ends a list is `has_more`, else `total`, else a page that is not full.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from bridge.coze.exchange import Ask

Json: TypeAlias = Mapping[str, object]

_NUMBERS = ("page_num", "page_index", "page")
_MOST = 10_000  # pages; a list that never ends is a mistake, not a list


def is_paged(known: Sequence[str]) -> bool:
    """Tell whether an endpoint that knows these parameters has pages."""
    return any(name in known for name in (*_NUMBERS, "page_token", "after_id"))


def first(ask: Ask, query: Sequence[str]) -> Ask:
    """Return the request for the first page; some endpoints want its number to be told."""
    given = {name for name, _ in ask.query}
    wanted = [name for name in _NUMBERS if name in query and name not in given]
    return _asking(ask, wanted[0], "1") if wanted else ask


def following(
    ask: Ask, known: tuple[Sequence[str], Sequence[str]], pages: Sequence[Json]
) -> Ask | None:
    """Return the request for the page behind the last of `pages`; None where there is none.

    known: the names of the endpoint's query and body.
    """
    if len(pages) >= _MOST or not _goes_on(pages):
        return None
    query, body = known
    last = pages[-1]
    if "page_token" in query:
        token = _beside_items(last, "next_page_token")
        return _asking(ask, "page_token", token) if token else None
    if "after_id" in body:
        last_id = last.get("last_id")
        return replace(ask, body={**(ask.body or {}), "after_id": last_id}) if last_id else None
    return _numbered(ask, query, body)


def _numbered(ask: Ask, query: Sequence[str], body: Sequence[str]) -> Ask | None:
    for name in _NUMBERS:
        if name in query:
            now = next((value for key, value in ask.query if key == name), "1")
            return _asking(ask, name, str(int(now) + 1)) if now.isdecimal() else None
        if name in body:
            told = (ask.body or {}).get(name, 1)
            number = told if isinstance(told, int) else 1
            return replace(ask, body={**(ask.body or {}), name: number + 1})
    return None


def _asking(ask: Ask, name: str, value: object) -> Ask:
    rest = [(key, old) for key, old in ask.query if key != name]
    return replace(ask, query=[*rest, (name, str(value))])


def _goes_on(pages: Sequence[Json]) -> bool:
    items = [_items(page) for page in pages]
    if not items[-1] or (len(items) > 1 and items[-1] == items[-2]):
        return False  # the second: somebody who does not know pages says the same again
    has_more = _beside_items(pages[-1], "has_more")
    if isinstance(has_more, bool):
        return has_more
    total = _beside_items(pages[-1], "total")
    if isinstance(total, int):
        return sum(map(len, items)) < total
    return len(items[-1]) >= len(items[0])


def joined(pages: Sequence[Json]) -> Json:
    """Return the last page with the items of all; its `has_more` is that of the last."""
    everything = [item for page in pages for item in _items(page)]
    return _with_items(pages[-1], everything)


def _holder(page: Json) -> Json:
    """Return the object whose member is the list: `data`, or the answer itself."""
    data = page.get("data")
    return data if isinstance(data, dict) else page


def _place(page: Json) -> str | None:
    """Name the member that is the list; `data` itself where it is one."""
    holder = _holder(page)
    return next((name for name, value in holder.items() if isinstance(value, list)), None)


def _items(page: Json) -> list[object]:
    place = _place(page)
    items = _holder(page).get(place) if place is not None else None
    return items if isinstance(items, list) else []


def _beside_items(page: Json, name: str) -> object:
    return _holder(page).get(name, page.get(name))


def _with_items(page: Json, items: list[object]) -> Json:
    place = _place(page)
    if place is None:
        return page
    holder = {**_holder(page), place: items}
    return {**page, "data": holder} if isinstance(page.get("data"), dict) else holder
