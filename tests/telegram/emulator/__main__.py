"""`python -m tests.telegram.emulator --port N`: the emulator in a process of its own."""

import argparse
import asyncio
import signal

from tests.telegram.emulator import TOKEN, Emulator, Limits, serve


async def _run(emulator: Emulator, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(emulator, port=port):
        # The only output, for whoever started us: it means that the port is open.
        print(f"{emulator.url} {emulator.token}", flush=True)  # noqa: T201 - see above
        await stop.wait()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="tests.telegram.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--limits", action="store_true", help="enforce Telegram's flood limits")
    parser.add_argument("--lenient", action="store_true", help="do not check every request")
    asked = parser.parse_args()
    limits = Limits() if asked.limits else None
    emulator = Emulator(token=asked.token, limits=limits, strict=not asked.lenient)
    asyncio.run(_run(emulator, asked.port))


_main()
