"""`python -m tests.telegram.emulator --port N`: the emulator in a process of its own."""

import argparse
import asyncio
import signal

from tests.telegram.emulator import TOKEN, Emulator, Limits, serve


async def _run(port: int, token: str, limits: Limits | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(Emulator(token=token, limits=limits), port=port) as emulator:
        # The only output, for whoever started us: it means that the port is open.
        print(f"{emulator.url} {emulator.token}", flush=True)  # noqa: T201 - see above
        await stop.wait()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="tests.telegram.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8091)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--limits", action="store_true", help="enforce Telegram's flood limits")
    asked = parser.parse_args()
    asyncio.run(_run(asked.port, asked.token, Limits() if asked.limits else None))


_main()
