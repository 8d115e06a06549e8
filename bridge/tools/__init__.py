"""What an agent may call us for. A tool is an async function with a typed signature.

This is all that somebody who writes tools needs; see docs/tools.md.
"""

from bridge.tools.tool import Caller, Result, ToolFailure, repeatable

__all__ = ["Caller", "Result", "ToolFailure", "repeatable"]
