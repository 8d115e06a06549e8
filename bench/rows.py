"""The names of figures: what they are called in a table, and how they come from an outcome."""

from collections.abc import Mapping
from dataclasses import dataclass

from bench.crowd import Outcome
from bench.figures import percentile


@dataclass(frozen=True)
class Row:
    """digits: after the point."""

    told: str
    digits: int = 1


ROWS: Mapping[str, Row] = {
    "asked_p50": Row("message → Coze has it, p50 ms", 2),
    "asked_p99": Row("message → Coze has it, p99 ms"),
    "net_p50": Row("the same without creating the conversation, p50 ms", 2),
    "net_p99": Row("the same without creating the conversation, p99 ms"),
    "relay_p50": Row("first delta → first text, p50 ms", 2),
    "relay_p99": Row("first delta → first text, p99 ms"),
    "final_p50": Row("Coze ended → final text, p50 ms", 2),
    "final_p99": Row("Coze ended → final text, p99 ms"),
    "final_max": Row("Coze ended → final text, latest ms", 0),
    "cpu": Row("CPU ms an answer", 2),
    "database": Row("CPU ms of PostgreSQL, an answer", 2),
    "deltas": Row("CPU ms per 1,000 more deltas", 2),
    "rate": Row("answers a second", 0),
    "core": Row("share of a core, %"),
    "calls": Row("calls of the platform, an answer", 2),
    "lost": Row("answers lost", 0),
    "unheard": Row("of them never asked of Coze", 0),
    "open": Row("streams open at the peak", 0),
    "base": Row("memory before, MB"),
    "peak": Row("memory at the peak, MB"),
    "stream": Row("memory per open stream, KB"),
    "lag": Row("event loop late, p99 below ms", 0),
    "waited": Row("waited for a processor, % of the time"),
    "world": Row("the world's own share of a core, %", 0),
    "world_waited": Row("the world waited for a processor, % of the time", 0),
    "polling": Row("start → first getUpdates, s", 2),
    "ready": Row("start → /readyz is 200, s", 2),
    "rss": Row("memory with Telegram and Slack, MB"),
    "idle": Row("idle, % of a core", 3),
    "help": Row("--help, s", 2),
    "growth_streams": Row("CPU an answer, 1,000 streams to 10", 2),
    "growth_commit": Row("until the commit, 1,000,000 sessions to 1,000", 2),
    "growth_asked": Row("until Coze has it, 1,000,000 sessions to 1,000", 2),
    "growth_answered": Row("until the answer stands, 1,000,000 sessions to 1,000", 2),
    "growth_cpu": Row("CPU of bridge and emulators, 1,000,000 sessions to 1,000", 2),
}


def row(name: str) -> Row:
    """Of a figure, which may be one of several sizes: `cpu@100`."""
    plain, _, size = name.partition("@")
    found = ROWS[plain]
    return Row(f"{int(size):,}: {found.told}", found.digits) if size else found


def figures(outcome: Outcome) -> dict[str, float]:
    """All that can be said of a crowd's answers, by the names of `ROWS`."""
    answers = len(outcome.answered)
    told = {
        "lost": float(outcome.lost),
        "open": float(outcome.open),
        "core": 100 * outcome.cpu / outcome.took,
        "base": outcome.base,
        "peak": outcome.peak,
        "stream": 1024 * (outcome.peak - outcome.base) / max(1, outcome.open),
        "waited": 100 * outcome.waited / outcome.took,
        "world": 100 * outcome.world / outcome.took,
        "world_waited": 100 * outcome.world_waited / outcome.took,
    }
    if outcome.lost:
        told["unheard"] = float(outcome.unheard)
    if outcome.lag is not None:
        told["lag"] = 1000 * outcome.lag
    if answers:
        told["cpu"] = 1000 * outcome.cpu / answers
        if outcome.database:
            told["database"] = 1000 * outcome.database / answers
        told["calls"] = sum(each.calls for each in outcome.answered) / answers
        told |= _times(outcome)
    return told


def _times(outcome: Outcome) -> dict[str, float]:
    asked = outcome.times("asked", "at_coze")
    creating = [each.creating for each in outcome.answered]
    net = [whole - part for whole, part in zip(asked, creating, strict=True)]
    finals = outcome.times("ended", "final")
    kinds = {
        "asked": asked,
        "net": net,
        "relay": outcome.times("first_delta", "first_text"),
        "final": finals,
    }
    shares = (("p50", 0.5), ("p99", 0.99))
    told = {
        f"{kind}_{name}": 1000 * percentile(values, share)
        for kind, values in kinds.items()
        for name, share in shares
    }
    return {**told, "final_max": 1000 * max(finals)}
