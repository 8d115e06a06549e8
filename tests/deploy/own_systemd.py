"""A systemd that is process 1 of a small world of its own, so that a unit can be tried as it is.

It has its own processes, mounts and control groups. What it writes to /etc, /var, /opt and /run
is in memory and gone with it. Needs root.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SYSTEMD = Path("/lib/systemd/systemd")
TOOLS = ("setpriv", "unshare", "nsenter", "systemctl")
PATIENCE = 60.0  # seconds

# The units that every service depends on, empty: no udev, no journal, nothing of this machine's.
BARE = ("sysinit", "basic", "shutdown", "network-online", "multi-user", "umount", "local-fs")

WORLD = """
set -e
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
umount -l /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for place in etc var opt; do
    mkdir -p /run/over/$place /run/over/.$place
    mount -t overlay overlay \
        -o lowerdir=/$place,upperdir=/run/over/$place,workdir=/run/over/.$place /$place
done
mkdir -p /opt/coze-bridge/python /opt/coze-bridge/site /opt/coze-bridge/src /opt/coze-bridge/bin
mount --rbind "$PYTHON" /opt/coze-bridge/python
mount --rbind "$SITE" /opt/coze-bridge/site
mount --rbind "$SOURCE" /opt/coze-bridge/src
cp -r "$FILES/etc/." /etc/
cp -r "$FILES/run/." /run/
cp "$FILES/coze-bridge" /opt/coze-bridge/bin/
chmod 755 /opt/coze-bridge/bin/coze-bridge
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount --make-rshared /  # else credentials do not come through
exec env -i container=oci PATH=/usr/bin:/bin:/usr/sbin:/sbin SYSTEMD_UNIT_PATH=/run/units \
    "$SYSTEMD" --system --unit=basic.target --log-target=null
"""

TRIAL = """
mount -t tmpfs tmpfs /run
mkdir /run/over /run/.over
mount -t overlay overlay -o lowerdir=/etc,upperdir=/run/over,workdir=/run/.over /etc
mount -t cgroup2 cgroup2 /sys/fs/cgroup
"""

PROGRAM = """#!/bin/sh
here=/opt/coze-bridge
export LD_LIBRARY_PATH=$here/python/lib PYTHONHOME=$here/python
export PYTHONPATH=$here/src:$here/src/tests/deploy/plugin:$here/site
exec $here/python/bin/python3 -m bridge "$@"
"""


def why_not() -> str:
    """Why there can be no such systemd here; empty if there can."""
    if os.geteuid() != 0:
        return "only root may start a systemd"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing or not SYSTEMD.exists():
        return f"not installed: {', '.join(missing) or SYSTEMD}"
    if _groups() is None:
        return "no control groups of version 2"
    trial = ["unshare", "--mount", "--pid", "--fork", "--cgroup", "sh", "-ec", TRIAL]
    if subprocess.run(trial, capture_output=True, check=False).returncode:
        return "not even root may make namespaces and mounts here"
    return ""


def _groups() -> Path | None:
    """Where control groups of version 2 are, and may be made."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    places = [Path(place) for _, place, kind, *_ in mounts if kind == "cgroup2"]
    return next((place for place in places if os.access(place, os.W_OK)), None)


class OwnSystemd:
    """One of them; `files` lies over its root before it starts."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    @property
    def first(self) -> int:
        """The number of its process 1, seen from here."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(children.read_text().split()[0])

    def file(self, path: str) -> Path:
        """A file of its world."""
        return Path(f"/proc/{self.first}/root", path.lstrip("/"))

    def control(self, *words: str) -> "subprocess.CompletedProcess[str]":
        """Call its systemctl."""
        enter = ["nsenter", f"--target={self.first}", "--mount", "--pid", "--cgroup"]
        return subprocess.run(
            [*enter, "systemctl", *words], capture_output=True, text=True, check=False, timeout=90
        )

    def show(self, unit: str, name: str) -> str:
        """One property of a unit."""
        return self.control("show", unit, f"--property={name}", "--value").stdout.strip()


def until(condition: Callable[[], object], *, within: float = PATIENCE) -> None:
    """Wait for a condition. Raises `TimeoutError`."""
    ends = time.monotonic() + within
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError(f"not within {within:.0f} s")
        time.sleep(0.02)


def prepare(files: Path, *, unit: Path, drop_in: str) -> None:
    """Lay a unit and what it needs into the folder. `files`/etc may have more."""
    units = files / "run/units"
    (files / "etc").mkdir(parents=True, exist_ok=True)
    (units / f"{unit.name}.d").mkdir(parents=True)
    shutil.copy(unit, units)
    (units / f"{unit.name}.d/test.conf").write_text(drop_in, encoding="utf-8")
    for name in BARE:
        (units / f"{name}.target").write_text("[Unit]\nDefaultDependencies=no\n", encoding="utf-8")
    (files / "coze-bridge").write_text(PROGRAM, encoding="utf-8")


@contextmanager
def own_systemd(files: Path) -> Iterator[OwnSystemd]:
    """Start one, which ends with the context, and with it whatever it started."""
    groups = _groups()
    assert groups is not None
    group = groups / f"coze-bridge-test-{os.getpid()}"
    group.mkdir()
    apart = "--mount --pid --fork --kill-child --cgroup --ipc --uts --propagation private"
    start = f'echo $$ > "{group}/cgroup.procs" && exec unshare {apart} sh -c "$WORLD"'
    where = {
        "WORLD": WORLD,
        "FILES": str(files),
        "PYTHON": sys.base_prefix,
        "SITE": sysconfig.get_paths()["purelib"],
        "SOURCE": str(ROOT),
        "SYSTEMD": str(SYSTEMD),
        "PATH": os.environ["PATH"],
    }
    with (files / "output").open("wb") as output:
        # It must not outlive the tests, even if somebody kills them.
        command = ["setpriv", "--pdeathsig=KILL", "sh", "-c", start]
        process = subprocess.Popen(command, env=where, stdout=output, stderr=output)
    mine = OwnSystemd(process)
    try:
        until(lambda: process.poll() is not None or _is_up(mine))
        assert process.poll() is None, (files / "output").read_text()
        yield mine
    finally:
        process.kill()
        process.wait()
        _remove(group)


def _is_up(systemd: OwnSystemd) -> bool:
    try:
        return systemd.control("is-active", "basic.target").stdout.strip() == "active"
    except (OSError, IndexError):
        return False


def _remove(group: Path) -> None:
    """Its processes are killed, but it takes a moment until they are gone."""

    def is_gone() -> bool:
        for place, *_ in os.walk(group, topdown=False):
            with suppress(OSError):
                Path(place).rmdir()
        return not group.exists()

    until(is_gone)
