"""Imports that leave out what we have no use for.

Some libraries load another wherever it happens to be installed, for something that we never ask of
them. What that costs in memory and time is written where it is left out.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Whoever imports these packages meanwhile finds them not installed.

    Only for what its importer declares as optional. One that is loaded already stays; one that was
    left out can be imported afterwards. None in the place of a module is Python's own word for it:
    https://docs.python.org/3/reference/import.html#the-module-cache
    """
    absent = [name for name in packages if name not in sys.modules]
    for name in absent:
        sys.modules[name] = None  # type: ignore[assignment]  # see above
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
