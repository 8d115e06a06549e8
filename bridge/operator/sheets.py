"""How `coze-bridge vars` writes down what the desk found. Pure."""

from collections.abc import Iterator, Sequence

from bridge.operator import paper
from bridge.operator.desk import Listed, Row, Synced
from bridge.operator.persons import Person

_VALUE = 40  # columns for a value in a list


def get_lines(found: Sequence[Listed]) -> Iterator[str]:
    """For people."""
    for number, each in enumerate(found):
        if number:
            yield ""
        yield f"{each.person.called}, agent {each.person.agent}"
        rows = [
            (
                row.keyword,
                paper.shortened(row.value or "", _VALUE),
                paper.local(row.set_at),
                row.source,
            )
            for row in each.rows
        ]
        if not rows:
            yield "No variables."
            continue
        head, *lines = paper.columns(("variable", "value", "set", "from"), rows)
        yield head
        for row, line in zip(each.rows, lines, strict=True):
            yield line
            if row.refused:
                yield from paper.indented(f"refused: {row.refused}")


def get_data(found: Sequence[Listed]) -> list[dict[str, object]]:
    """For scripts."""
    return [
        {**_person_data(each.person), "variables": [_row_data(row) for row in each.rows]}
        for each in found
    ]


def sync_lines(synced: Synced) -> Iterator[str]:
    """For people."""
    for finding in synced.findings:
        yield f"{finding.verdict:5}  {finding.text}"
    for each in synced.people:
        names = ", ".join(sorted(each.told))
        yield f"{each.person.called}: {each.trouble or f'told {names}'}"
    if not synced.findings:
        yield "No agent is to be told anything: [agents.NAME.variables] says what."
    elif not synced.people:
        yield "Nobody had news." if synced.is_well else "Nobody was told anything."


def sync_data(synced: Synced) -> dict[str, object]:
    """For scripts."""
    return {
        "findings": [{"verdict": f.verdict, "text": f.text} for f in synced.findings],
        "people": [
            {**_person_data(each.person), "told": dict(each.told), "trouble": each.trouble or None}
            for each in synced.people
        ],
    }


def _person_data(person: Person) -> dict[str, object]:
    return {
        "uid": person.uid,
        "agent": person.agent,
        "identities": [
            {"address": it.address, "account": it.account, "name": it.name} for it in person.known
        ],
    }


def _row_data(row: Row) -> dict[str, object]:
    return {
        "keyword": row.keyword,
        "value": row.value,
        "set_at": paper.iso(row.set_at),
        "source": row.source or None,
        "wanted": row.noted.wanted if row.noted else None,
        "synced": row.noted.synced if row.noted else None,
        "refused": row.refused or None,
    }
