"""Reading what a stranger's link points to, without letting the stranger choose what we read."""

from bridge.fetching.fetcher import Fetcher

__all__ = ["Fetcher"]
