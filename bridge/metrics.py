"""What is counted, for `GET /metrics`. Names are part of the contract: add, do not rename.

Labels hold platforms, outcomes and codes, never users or chats: each value is a time series.
"""

from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter(
    "coze_bridge_messages", "Messages received, by what became of them", ["platform", "outcome"]
)
TURNS = Counter("coze_bridge_turns", "Turns ended, by their last state", ["state"])
TURNS_RUNNING = Gauge("coze_bridge_turns_running", "Turns being worked on")
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
