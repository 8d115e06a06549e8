"""`python -m tests.slack.emulator --port N`: the emulator in a process of its own."""

import argparse
import asyncio
import signal

from tests.slack.emulator import Emulator, Limits, serve


async def _run(emulator: Emulator, port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with serve(emulator, port=port):
        secret = emulator.app_token if emulator.mode == "socket" else emulator.signing_secret
        # The only output, for whoever started us: it means that the port is open.
        print(f"{emulator.url}/api/ {emulator.token} {secret}", flush=True)  # noqa: T201 - see above
        await stop.wait()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="tests.slack.emulator", description=__doc__)
    parser.add_argument("--port", type=int, default=8092)
    parser.add_argument("--limits", action="store_true", help="enforce Slack's tiers")
    parser.add_argument("--deliver-to", metavar="URL", default="", help="HTTP instead of sockets")
    asked = parser.parse_args()
    limits = Limits() if asked.limits else None
    emulator = Emulator(mode="http" if asked.deliver_to else "socket", limits=limits)
    emulator.hooks.url = asked.deliver_to
    asyncio.run(_run(emulator, asked.port))


_main()
