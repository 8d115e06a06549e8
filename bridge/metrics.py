"""What is counted, for `GET /metrics`. Names are part of the contract: add, do not rename.

Labels hold platforms, outcomes and codes, never users or chats: each value is a time series.
What is about the process or the queue is sampled by `bridge/vitals.py`, not at each scrape.
"""

import platform
from importlib.metadata import PackageNotFoundError, version

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    REGISTRY,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each of ours

MESSAGES = Counter(
    "coze_bridge_messages", "Messages received, by what became of them", ["platform", "outcome"]
)
TURNS = Counter("coze_bridge_turns", "Turns ended, by their last state", ["state"])
TURNS_RUNNING = Gauge("coze_bridge_turns_running", "Turns being worked on")
TURNS_OPEN = Gauge(
    "coze_bridge_turns_open", "Messages accepted and not answered yet, of all replicas together"
)
TURNS_OLDEST = Gauge(
    "coze_bridge_turns_oldest_seconds", "For how long the oldest open turn has waited; 0 if none"
)
FIRST_TEXT = Histogram(
    "coze_bridge_first_text_seconds",
    "From the commit of a message to the first text on the platform",
    ["platform"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120),
)
CALLS = Counter(
    "coze_bridge_platform_calls",
    "Calls to a platform, by verb and how they ended",
    ["platform", "verb", "outcome"],
)
COZE_ERRORS = Counter(
    "coze_bridge_coze_errors", "Questions and answers that Coze refused for good", ["code"]
)
COZE_DELAYS = Counter(
    "coze_bridge_coze_delays",
    "Questions and answers that have to be tried again, or wait for the operator, by the error",
    ["error", "code"],
)
COZE_STREAMS = Gauge("coze_bridge_coze_streams_open", "Answers that Coze is streaming to us now")
VARIABLES = Counter(
    "coze_bridge_variables",
    "User variables, by what became of telling Coze",
    ["outcome"],
)
TOKENS = Counter("coze_bridge_tokens", "Tokens as Coze counts them", ["agent", "direction"])
REFUSALS = Counter(
    "coze_bridge_refusals",
    "Questions that were not asked because of a limit, by which one",
    ["agent", "limit"],
)
TOOL_CALLS = Counter(
    "coze_bridge_tool_calls",
    "Tools that agents called, by how it ended; the name is empty for those there are not",
    ["tool", "outcome"],
)
UP = Gauge(
    "coze_bridge_up",
    "Whether a part works: database, process, each account (adapters.*) and agent (coze.*)",
    ["part"],
)
LOOP_LAG = Histogram(
    "coze_bridge_loop_lag_seconds",
    "How much later than it asked for the event loop woke a sleeper, twice a second",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
BUILD = Gauge("coze_bridge_build_info", "1; what runs here is in the labels", ["version", "python"])


def _version() -> str:
    try:
        return version("coze-bridge")
    except PackageNotFoundError:
        return "unknown"


BUILD.labels(_version(), platform.python_version()).set(1)

# The library's own are about the process too, under names that do not say whose it is.
for _collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
    REGISTRY.unregister(_collector)
PROCESS = ProcessCollector(namespace="coze_bridge")
"""Memory, CPU, start and open files, where the system tells: `coze_bridge_process_*`."""
