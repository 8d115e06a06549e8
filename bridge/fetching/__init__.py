"""Reading what a stranger's link points to, without letting the stranger choose what we read."""

from bridge.fetching.addresses import is_public, is_public_host
from bridge.fetching.fetcher import Fetcher

__all__ = ["Fetcher", "is_public", "is_public_host"]
