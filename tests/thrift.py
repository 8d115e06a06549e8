"""What hundreds of processes and thousands of clients of the tests need not do each.

- Load the certificates of all the world, at 20 ms of CPU for every client that might need them:
  far sides are emulated on this machine, in plain HTTP, so one certificate of nobody is enough.
- Compile our modules anew, where the environment keeps Python from storing what it compiled.
"""

import os
import sys
from pathlib import Path

NOBODY = str(Path(__file__).with_name("nobody.pem"))  # whose key was thrown away
TRUSTED = "SSL_CERT_FILE"
TRUSTED_BEFORE = "BRIDGE_TEST_SSL_CERT_FILE"


def be_thrifty() -> None:
    """Change how this process runs, and the environment of those that it starts."""
    if os.environ.get(TRUSTED) != NOBODY:  # or whoever started us has done it
        os.environ[TRUSTED_BEFORE] = os.environ.get(TRUSTED, "")
        os.environ[TRUSTED] = NOBODY
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def for_the_network() -> dict[str, str]:
    """Return the environment for a process that talks to the world: it trusts whom it did."""
    kept = {name: its for name, its in os.environ.items() if name != TRUSTED}
    before = os.environ.get(TRUSTED_BEFORE)
    return {**kept, TRUSTED: before} if before else kept
