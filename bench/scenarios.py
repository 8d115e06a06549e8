"""What is measured, of whom, and what was promised about it."""

from dataclasses import dataclass, replace

from bench.agent import Script
from bench.crowd import Crowd
from bench.judging import Limit
from bench.sessions import FIGURES, Sessions
from bench.slack_world import Slack
from bench.works import Curve, Gathering, Idling, Saturation, Size, Slope, Work
from bench.world import Tuning

ALL = ("floor", "embedded", "cluster")
PAIR = ("floor", "embedded")
OURS = ("embedded", "cluster", "cluster 2")
THOUGHT = 0.3  # seconds before the first word, of a quick agent; Coze has accepted by then
PAID = 1_000  # calls a second; the most that Telegram takes, from those who pay for it


@dataclass(frozen=True)
class Scenario:
    """told: what it is, in a line. rows: the figures of the table; all of them are in the JSON."""

    name: str
    told: str
    work: Work
    rows: tuple[str, ...]
    limits: tuple[Limit, ...] = ()
    stands: tuple[str, ...] = ALL


RELAY = ("relay_p50", "relay_p99", "final_p50", "final_p99", "final_max", "calls", "lost", "open")
COST = ("cpu", "database", "core", "base", "peak", "calls", "lost", "open")
CARRIED = (
    "lost",
    "open",
    "lag",
    "base",
    "peak",
    "stream",
    "cpu",
    "database",
    "core",
    "relay_p99",
    "final_max",
    "calls",
)
MANY = (Limit("lost", 0), Limit("lag", 250), Limit("stream", 60))
LATE = (Limit("relay_p50", 20), Limit("relay_p99", 500), Limit("final_max", 2_000))
PLAIN = Script(tokens=200, pace=0.02)
SIZES = (Size(1, 6), Size(10, 60), Size(100, 200), Size(1_000, 2_000), Size(5_000, 5_000))


NO_WAIT = Tuning(interval=0.01)  # else a chat's next answer had to wait for its last one's edit

SCENARIOS = (
    Scenario(
        "ingress",
        "500 people, whose conversations exist, ask within 10 s",
        Gathering(Crowd(500, Script(tokens=1, pace=0), over=10.0)),
        ("asked_p50", "asked_p99", "cpu", "lost"),
        (
            Limit("asked_p50", 2, "difference"),
            Limit("asked_p50", 8, "difference", "cluster"),
            Limit("asked_p99", 10, "difference"),
        ),
    ),
    Scenario(
        "new",
        "200 people who were never heard of ask within 10 s",
        Gathering(Crowd(200, Script(tokens=1, pace=0), over=10.0, new=True)),
        ("asked_p50", "asked_p99", "net_p50", "net_p99", "cpu", "lost"),
        (Limit("net_p50", 10, "difference"),),
    ),
    Scenario(
        "relay-50",
        "50 answers of 200 tokens, 20 ms apart after 0.3 s of silence, all open together",
        Gathering(Crowd(50, replace(PLAIN, silence=THOUGHT), over=3.0)),
        RELAY,
        (Limit("relay_p50", 1, "difference"), Limit("relay_p99", 15, "difference")),
    ),
    Scenario(
        "relay-500",
        "500 answers of 200 tokens, 100 ms apart after 0.3 s of silence, all open together",
        Gathering(Crowd(500, Script(tokens=200, pace=0.1, silence=THOUGHT), over=18.0)),
        (*RELAY, "core"),
        LATE,
    ),
    Scenario(
        "answers",
        "50 people get 200 tokens each, 20 ms apart, within 10 s",
        Gathering(Crowd(50, PLAIN, over=10.0)),
        COST,
        (Limit("cpu", 2, "ratio"),),
    ),
    Scenario(
        "deltas",
        "20 people get 200 short tokens each, 5 ms apart; then 1,000",
        Slope(Crowd(20, Script(tokens=200, pace=0.005, short=True), over=4.0), tokens=1_000),
        ("deltas", "lost"),
        (Limit("deltas", 2, "ratio"),),
    ),
    Scenario(
        "users-500",
        "500 people get 200 tokens each, 20 ms apart, within 20 s",
        Gathering(Crowd(500, PLAIN, over=20.0)),
        (*COST, "relay_p50", "relay_p99", "final_p99", "final_max"),
        (Limit("lost", 0), Limit("core", 60), Limit("peak", 130), *LATE),
    ),
    Scenario(
        "saturated",
        "64 people ask again as soon as they are answered; 50 tokens at once, for 10 s",
        Saturation(64, Script(tokens=50, pace=0), seconds=10.0, tuning=NO_WAIT),
        ("rate", "cpu", "database", "core", "calls", "lost"),
        (Limit("rate", 250, least=True),),
    ),
    Scenario(
        "streams-2000",
        "2,000 answers of 150 deltas, 5 a second, begun within 20 s",
        Gathering(Crowd(2_000, Script(150, 0.2), over=20.0), tuning=Tuning(calls=PAID)),
        CARRIED,
        MANY,
        OURS,
    ),
    Scenario(
        "streams-5000",
        "5,000 answers of 120 deltas, 2 a second, begun within 50 s",
        Gathering(Crowd(5_000, Script(120, 0.5), over=50.0), tuning=Tuning(calls=PAID)),
        CARRIED,
        MANY,
        OURS,
    ),
    Scenario(
        "curve",
        "answers of 20 deltas, 2 a second, edited every 5 s; by how many are open together",
        Curve(SIZES, Script(20, 0.5), tuning=Tuning(interval=5.0)),
        (*(f"cpu@{size.streams}" for size in SIZES), "growth_streams"),
        (Limit("growth_streams", 1.25),),
        PAIR,
    ),
    Scenario(
        "slack-ingress",
        "200 people ask in their threads within 10 s; Slack, where each waits 50 ms for order",
        Gathering(Crowd(200, Script(tokens=1, pace=0), over=10.0), platform=Slack),
        ("asked_p50", "asked_p99", "cpu", "calls", "lost"),
        (Limit("asked_p50", 52, "difference"), Limit("asked_p99", 60, "difference")),
        PAIR,
    ),
    Scenario(
        "slack-answers",
        "20 people get 200 tokens each, 20 ms apart, within 4 s; Slack, streamed",
        Gathering(Crowd(20, PLAIN, over=4.0), platform=Slack),
        ("relay_p50", "relay_p99", "final_p50", "final_p99", *COST),
        (
            Limit("relay_p50", 1, "difference"),
            Limit("relay_p99", 15, "difference"),
            Limit("cpu", 2, "ratio"),
        ),
    ),
    Scenario(
        "idle",
        "Telegram and Slack on, nobody writes",
        Idling(),
        ("help", "polling", "ready", "rss", "idle"),
        (Limit("rss", 100), Limit("idle", 0.2), Limit("polling", 1.5), Limit("help", 0.3)),
        ("embedded",),
    ),
    Scenario(
        "sessions",
        "databases of 1,000 and 1,000,000 people, asked in turns",
        Sessions(),
        FIGURES,
        (Limit("growth_answered", 1.1), Limit("growth_cpu", 1.1)),
        ("embedded",),
    ),
)
