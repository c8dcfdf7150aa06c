"""Which process works on which point of a store, so that several sweeps of one folder share the work.

A claim belongs to a process that says now and then that it lives. On one machine a dead owner is seen at once; one on
another machine (or one that was stopped) is given up when its count of beats has stood still for a while by the clock
of the one who looks, so that clocks need not agree. A claim only saves work: were it lost, a point would be run twice,
with the same outcome.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import NamedTuple

from bitline.base.errors import BitlineError
from bitline.sim.study.store import Status, Store

BEAT_S = 15.0
LEASE_S = 150.0


class Taken(NamedTuple):
    """The unfinished points of those that were asked for: now ours, or in the hands of others."""

    ours: set[str]
    others: set[str]


class Claims:
    """The claims of this process. Use `open_claims`."""

    def __init__(self, store: Store) -> None:
        self.owner = secrets.token_hex(8)
        self._store = store
        self._beats: dict[str, tuple[int, float]] = {}
        self._is_known = False

    def take(self, keys: Iterable[str], enough: Iterable[Status]) -> Taken:
        """Claim the points among `keys` that did not end in one of the ways that are `enough`. Raises OutputError."""
        taken = Taken(set(), set())
        ends = set(enough)
        # A study that is finished is read, and its file stays as it is.
        left = [key for key in keys if not self._has_ended(key, ends)]
        if not left:
            return taken
        with self._store.transaction():
            self._sign_in()
            for key in left:
                if self._has_ended(key, ends):
                    continue
                if self._is_held(key):
                    taken.others.add(key)
                else:
                    self._store.write("INSERT OR REPLACE INTO claims VALUES (?, ?)", (key, self.owner))
                    taken.ours.add(key)
        return taken

    def give_up(self) -> None:
        """Leave the points that were claimed and not finished to others."""
        if self._is_known:
            with self._store.transaction():
                self._forget(self.owner)

    def _has_ended(self, key: str, ends: set[Status]) -> bool:
        kept = self._store.find(key)
        return kept is not None and kept.status in ends

    def _sign_in(self) -> None:
        if not self._is_known:
            values = (self.owner, machine(), os.getpid(), started(os.getpid()), 0)
            self._store.write("INSERT OR IGNORE INTO owners VALUES (?, ?, ?, ?, ?)", values)
            self._is_known = True

    def _is_held(self, key: str) -> bool:
        """Is another process, as far as can be told alive, at work on a point?"""
        claims = self._store.read("SELECT owner FROM claims WHERE key = ?", (key,))
        if not claims or claims[0][0] == self.owner:
            return False
        owner = str(claims[0][0])
        found = self._store.read("SELECT machine, pid, started, beat FROM owners WHERE owner = ?", (owner,))
        if found and not self._is_gone(owner, *found[0]):
            return True
        self._forget(owner)
        return False

    def _is_gone(self, owner: str, where: str, pid: int, since: str, beat: int) -> bool:
        if where == machine() and started(pid) != since:
            return True
        now = time.monotonic()
        last, seen = self._beats.get(owner, (-1, now))
        if last != beat:
            self._beats[owner] = (beat, now)
            return False
        return now - seen > LEASE_S

    def _forget(self, owner: str) -> None:
        self._store.write("DELETE FROM claims WHERE owner = ?", (owner,))
        self._store.write("DELETE FROM owners WHERE owner = ?", (owner,))


@contextmanager
def open_claims(store: Store) -> Iterator[Claims]:
    """Claims that beat until the end, and are given up then."""
    claims = Claims(store)
    ended = threading.Event()
    thread = threading.Thread(target=_beat, args=(store.file.parent, claims.owner, ended), daemon=True)
    thread.start()
    try:
        yield claims
    finally:
        ended.set()
        thread.join()
        # A full disk: others see that this process is gone.
        with suppress(BitlineError):
            claims.give_up()


def _beat(folder: Path, owner: str, ended: threading.Event) -> None:
    while not ended.wait(BEAT_S):
        # What is wrong with the disk, the sweep itself will say.
        with suppress(BitlineError), closing(Store(folder, create=False)) as store, store.transaction():
            store.write("UPDATE owners SET beat = beat + 1 WHERE owner = ?", (owner,))


@cache
def machine() -> str:
    """This machine since it was started, and the space in which its process numbers count (a container's)."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def started(pid: int) -> str:
    """When a process of this machine was started; empty for one that is gone (a zombie is)."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        # The name before the last parenthesis may hold anything.
        fields = stat.read_text(errors="replace").rpartition(")")[2].split()
        return "" if fields[0] == "Z" else fields[19]
    except OSError:
        if Path("/proc/self/stat").exists():
            return ""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "alive"
