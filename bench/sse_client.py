"""What one event of a Coze stream costs the client: CPU milliseconds per 1,000 events.

    python -m bench.sse_client [--streams 200] [--events 100] [--rounds 3] [--uvloop]

A server in a process of its own streams answers, one event per chunk. The client reads them
all at once, with `CozeAgent.ask` and with the least one can do (aiohttp's `iter_any`, a split
and `json.loads`), in turns, so that a busy machine spoils both alike. Only this process's CPU
time counts.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from statistics import median

import aiohttp
import uvloop
from aiohttp import web

from bridge.coze import ClientSettings, CozeAgent, CozeClient, Pat
from bridge.upstream import Delta, Finished, Question

GAP = 0.02  # seconds between two events of a stream: no two of them share a chunk


def frame(event: str, **data: object) -> bytes:
    ids = {"id": "7382159494123470858", "conversation_id": "7381473525342978089"}
    more = {"bot_id": "7379462189365198898", "chat_id": "7382159487131697202"}
    text = json.dumps({**ids, **more, **data}, ensure_ascii=False, separators=(",", ":"))
    return f"event:{event}\ndata:{text}\n\n".encode()


def answer(events: int) -> list[bytes]:
    told = {"role": "assistant", "type": "answer", "content_type": "text"}
    deltas = [
        frame("conversation.message.delta", **told, content=f" word{n}") for n in range(events - 3)
    ]
    whole = "".join(f" word{n}" for n in range(events - 3))
    return [
        frame("conversation.chat.created", status="created"),
        *deltas,
        frame("conversation.message.completed", **told, content=whole),
        frame("conversation.chat.completed", status="completed", usage={"output_count": events}),
        b'event:done\ndata:"[DONE]"\n\n',
    ]


def serve(events: int, port: "Connection[int, int]") -> None:
    frames = answer(events)

    async def chat(request: web.Request) -> web.StreamResponse:
        await request.read()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for piece in frames:
            await response.write(piece)
            await asyncio.sleep(GAP)
        return response

    async def main() -> None:
        app = web.Application()
        app.router.add_post("/v3/chat", chat)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=2048).start()
        port.send(runner.addresses[0][1])
        await asyncio.Event().wait()

    asyncio.run(main())


async def with_our_client(url: str, streams: int) -> int:
    async with CozeClient(
        url, Pat("pat_x"), ClientSettings(max_concurrent_turns=streams)
    ) as client:
        agent = CozeAgent(client, bot_id="1")

        async def one(n: int) -> int:
            seen = 0
            async with agent.ask(Question(f"u{n}", f"c{n}", "hello", f"t{n}")) as events:
                async for event in events:
                    seen += event.text.count(" word") if isinstance(event, Delta) else 0
                assert isinstance(event, Finished)
            return seen

        return sum(await asyncio.gather(*map(one, range(streams))))


async def with_raw_aiohttp(url: str, streams: int) -> int:
    connector = aiohttp.TCPConnector(limit=streams)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def one(n: int) -> int:
            seen, rest = 0, b""
            body = {"bot_id": "1", "user_id": f"u{n}", "stream": True}
            async with session.post(f"{url}/v3/chat", json=body) as response:
                async for chunk in response.content.iter_any():
                    *blocks, rest = (rest + chunk).split(b"\n\n")
                    for block in blocks:
                        name, _, data = block.partition(b"\ndata:")
                        value = json.loads(data)
                        if name == b"event:conversation.message.delta":
                            seen += value["content"].count(" word")
            return seen

        return sum(await asyncio.gather(*map(one, range(streams))))


def measure(
    client: Callable[[str, int], Awaitable[int]], url: str, streams: int, factory: object
) -> tuple[float, int]:
    async def run() -> tuple[float, int]:
        before = time.process_time()
        seen = await client(url, streams)
        return time.process_time() - before, seen

    with asyncio.Runner(loop_factory=factory) as runner:  # type: ignore[arg-type]  # uvloop's or None
        return runner.run(run())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--events", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--uvloop", action="store_true")
    options = parser.parse_args()
    factory = None
    if options.uvloop:
        factory = uvloop.new_event_loop

    port, far_end = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(options.events, far_end), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{port.recv()}"
    clients = {"CozeAgent.ask": with_our_client, "raw aiohttp": with_raw_aiohttp}
    costs: dict[str, list[float]] = {name: [] for name in clients}
    for client in clients.values():
        measure(client, url, 5, factory)  # imports, first connections
    for _ in range(options.rounds):
        for name, client in clients.items():
            seconds, seen = measure(client, url, options.streams, factory)
            assert seen == options.streams * (options.events - 3), "an event was lost"
            costs[name].append(seconds * 1e6 / (options.streams * (options.events + 1)))
    server.terminate()
    for name, found in costs.items():
        print(f"{name:14} {median(found):6.1f} ms CPU per 1,000 events ({min(found):.1f} best)")
    ours, raw = (median(costs[name]) for name in clients)
    print(f"ratio          {ours / raw:6.2f}")


if __name__ == "__main__":
    main()
