"""What happened first goes first, and nobody waits for another place."""

import asyncio

from adapters.slack.queue import Queue, Ticket

GRACE = 0.02


async def go(ticket: Ticket, passed: list[float]) -> None:
    happened = ticket.happened
    await ticket.turn()
    passed.append(happened)
    ticket.leave()


async def test_what_happened_first_goes_first_even_if_it_came_later() -> None:
    queue, passed = Queue(GRACE), list[float]()
    tickets = [queue.ticket("here", happened) for happened in (3.0, 1.0, 2.0, 1.0)]
    await asyncio.gather(*(go(ticket, passed) for ticket in tickets))
    assert passed == [1.0, 1.0, 2.0, 3.0]


async def test_who_has_begun_is_not_overtaken() -> None:
    queue, passed = Queue(0), list[float]()
    begun = queue.ticket("here", 2.0)
    await begun.turn()
    earlier = asyncio.create_task(go(queue.ticket("here", 1.0), passed))
    await asyncio.sleep(0.01)
    assert passed == []
    begun.leave()
    await earlier
    assert passed == [1.0]


async def test_who_leaves_early_lets_nobody_pass_those_before() -> None:
    queue, passed = Queue(0), list[float]()
    first, second, third = (queue.ticket("here", happened) for happened in (1.0, 2.0, 3.0))
    last = asyncio.create_task(go(third, passed))
    second.leave()
    second.leave()
    await asyncio.sleep(0.01)
    assert passed == []
    await go(first, passed)
    await last
    assert passed == [1.0, 3.0]


async def test_places_do_not_wait_for_each_other() -> None:
    queue, passed = Queue(0), list[float]()
    stuck = queue.ticket("here", 1.0)
    await stuck.turn()
    await go(queue.ticket("there", 2.0), passed)
    assert passed == [2.0]


async def test_empty_queues_are_forgotten() -> None:
    queue = Queue(0)
    tickets = [queue.ticket(str(number % 3), float(number)) for number in range(9)]
    assert len(queue) == 3
    for ticket in tickets:
        ticket.leave()
    assert len(queue) == 0
