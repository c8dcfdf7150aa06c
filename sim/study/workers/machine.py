"""What this machine has for worker processes: cores and memory, a container's own where it is one."""

from __future__ import annotations

import os
import resource
import sys
from contextlib import suppress
from pathlib import Path

# Left for everything else on the machine.
SPARE_BYTES = 512 << 20
CGROUP = Path("/sys/fs/cgroup")


def cores() -> int:
    """Cores that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError):
        quota, period = (CGROUP / "cpu.max").read_text().split()
        count = min(count, max(1, int(quota) // int(period)))
    return count


def available_bytes() -> int | None:
    """Memory that new processes may take; None where that is not known."""
    found = []
    with suppress(OSError, ValueError, IndexError):
        lines = Path("/proc/meminfo").read_text().splitlines()
        found.append(next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:")))
    with suppress(OSError, ValueError):
        limit = int((CGROUP / "memory.max").read_text())
        found.append(limit - int((CGROUP / "memory.current").read_text()))
    return min(found) if found else None


def peak_bytes() -> int:
    """The most memory that this process ever had in use."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak << 10


def workers_that_fit(wanted: int, each_bytes: int, free_bytes: int | None) -> int:
    """How many workers to have, when one of them is there already and `free_bytes` are left."""
    if free_bytes is None:
        return wanted
    return max(1, min(wanted, 1 + max(0, free_bytes - SPARE_BYTES) // max(1, each_bytes)))
