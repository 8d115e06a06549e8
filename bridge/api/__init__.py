"""`coze-bridge api`: any endpoint of Coze's OpenAPI, with the configured credentials.

index ─> which endpoints there are         asking ─> words of a command line become a request
pages ─> which page comes next             telling ─> what an answer looks like on a terminal
"""

from bridge.api.asking import Words
from bridge.api.command import Wishes, call, listing

__all__ = ["Wishes", "Words", "call", "listing"]
