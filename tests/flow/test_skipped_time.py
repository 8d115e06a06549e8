"""The loop that skips over waits, and what it has to wait for all the same."""

import asyncio
import socket
import threading
from contextlib import closing

from bridge.testing.clock import Clock, ClockLoop


def test_a_connection_that_the_kernel_begins_again_is_waited_for() -> None:
    """Its first packet is lost: the one place at the door is taken, until somebody lets in."""

    def let_one_in() -> None:
        door.accept()[0].close()

    async def connect() -> float:
        threading.Timer(0.1, let_one_in).start()
        async with asyncio.timeout(60):
            _, writer = await asyncio.open_connection(*door.getsockname())
        writer.close()
        return asyncio.get_running_loop().time()

    with (
        socket.create_server(("127.0.0.1", 0), backlog=0) as door,
        closing(socket.create_connection(door.getsockname())),
        asyncio.Runner(loop_factory=lambda: ClockLoop(Clock())) as runner,
    ):
        assert runner.run(connect()) < 1
