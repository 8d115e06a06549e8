"""The messages of one answer: posts, edits and drafts, repeated until they stand.

While an answer streams, `Screen.show` tries once and never insists (`growing`). What was stored is
made to stand, however long that takes (`settling`). Both know what stands where (`standing`).
"""

from bridge.screen.growing import TYPING_AFTER, Screen
from bridge.screen.settling import Settling
from bridge.screen.standing import Standing

__all__ = ["TYPING_AFTER", "Screen", "Settling", "Standing"]
