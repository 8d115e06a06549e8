"""One trace for each turn, whoever works on it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from bridge import tracing
from bridge.errors import RateLimited, Unreachable
from bridge.otel import Ids, OtlpTracer, TurnIds
from bridge.spans import Traced
from bridge.testing.play import Play
from tests.stages.world import Killed, World


class Collector:
    """What was told of, in this process."""

    def __init__(self, sampled: float = 1.0) -> None:
        ids = TurnIds()
        sampler = ParentBased(TraceIdRatioBased(sampled))
        self._memory = InMemorySpanExporter()
        provider = TracerProvider(sampler=sampler, id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._memory))
        self.tracer = OtlpTracer(provider, ids)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._memory.get_finished_spans())

    def named(self, name: str) -> list[ReadableSpan]:
        return [span for span in self.spans if span.name == name]

    @property
    def traces(self) -> set[int]:
        return {span.context.trace_id for span in self.spans if span.context}


@pytest.fixture
def collector() -> Iterator[Collector]:
    it = Collector()
    with tracing.telling(it.tracer):
        yield it


async def test_a_turn_is_one_trace_across_its_way(world: World, collector: Collector) -> None:
    await world.chat("hello there")
    assert len(collector.traces) == 1
    [turn] = collector.named("turn")
    assert turn.context
    assert turn.attributes
    assert (turn.attributes["turn"], turn.attributes["state"]) == (1, "delivered")
    parts = [span for span in collector.spans if span is not turn]
    assert {span.parent.span_id for span in parts if span.parent} == {turn.context.span_id}
    assert {span.name for span in parts} >= {"receive", "answer", "send", "edit"}


async def test_the_answer_tells_when_coze_heard_said_and_ended(
    world: World, collector: Collector
) -> None:
    await world.chat("hello there")
    [answer] = collector.named("answer")
    assert [event.name for event in answer.events] == ["asked", "first delta", "end"]
    assert answer.attributes
    assert answer.attributes["asked"] is False
    assert answer.status.is_ok or answer.status.is_unset


async def test_each_turn_has_a_trace_of_its_own(world: World, collector: Collector) -> None:
    await world.chat("one", "two")
    assert len(collector.traces) == 2
    assert len(collector.named("turn")) == 2


async def test_a_turn_that_is_taken_up_goes_on_in_its_trace(
    world: World, collector: Collector
) -> None:
    event = await world.hear("hello there")
    world.store.life = 5  # writes
    with pytest.raises(Killed):
        await world.drain("fake/fake/room/")
    before = collector.traces
    assert len(before) == 1
    assert collector.named("turn") == []
    world.store.broken, world.store.life = None, None
    another = Collector()  # another process, which knows nothing of the first
    world.wire()
    with tracing.telling(another.tracer):
        await world.drain("fake/fake/room/")
    assert another.traces == before
    assert len(another.named("turn")) == 1
    assert world.adapter.shown() == ["You said: hello there"]
    assert event.text == "hello there"


async def test_parts_of_a_paste_say_where_they_went(world: World, collector: Collector) -> None:
    world.settings(merge_window=0.3)
    await world.hear("one")
    await world.hear("two")
    await world.drain("fake/fake/room/")
    told = {
        span.attributes["turn"]: span.attributes
        for span in collector.named("turn")
        if span.attributes
    }
    assert told[1]["state"] == "delivered"
    assert (told[2]["state"], told[2]["into"]) == ("merged", 1)


async def test_what_failed_is_told_by_its_class_alone(world: World, collector: Collector) -> None:
    world.agent.play(Play(refuse=Unreachable("no route to anywhere")))
    world.adapter.fail(RateLimited("too many of them", retry_after=1), verb="send")
    await world.chat("hello there")
    failed = [span for span in collector.spans if not (span.status.is_ok or span.status.is_unset)]
    assert {(span.name, span.status.description) for span in failed} == {
        ("answer", "Unreachable"),
        ("send", "RateLimited"),
    }


async def test_nothing_of_what_people_say_or_are_called_is_told(
    world: World, collector: Collector
) -> None:
    world.agent.play(Play(text="a secret answer", suggestions=("a secret question",)))
    await world.chat("a secret of mine")
    told = "".join(span.to_json() for span in collector.spans)
    assert "secret" not in told
    assert "Anna" not in told
    assert "u-anna" not in told


async def test_a_turn_is_sampled_as_a_whole_or_not_at_all(world: World) -> None:
    collector = Collector(sampled=0.5)
    with tracing.telling(collector.tracer):
        await world.chat(*(f"question {number}" for number in range(20)))
    assert 0 < len(collector.traces) < 20
    of_turns = {span.context.trace_id for span in collector.named("turn") if span.context}
    assert collector.traces == of_turns


async def test_where_nobody_asked_nothing_is_told(world: World) -> None:
    collector = Collector()
    await world.chat("hello there")
    assert collector.spans == []


def test_ids_come_from_the_turn_and_its_moment() -> None:
    now = datetime(2026, 1, 2, 12, tzinfo=UTC)
    turn = Traced(7, now)
    assert Ids.of(turn) == Ids.of(replace(turn))
    others = {Ids.of(Traced(8, now)), Ids.of(Traced(7, now + timedelta(microseconds=1)))}
    assert Ids.of(turn) not in others
    assert all(0 < ids.trace < 2**128 and 0 < ids.span < 2**64 for ids in others)
