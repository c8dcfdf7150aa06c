"""The timeline of a run as a trace that Perfetto and chrome://tracing open, of bounded size.

Perfetto keeps whole nanoseconds, too coarse for DRAM clocks. One picosecond is written as one nanosecond, and the names
of the tracks say so. A trace that would grow beyond its limit is thinned: the largest track keeps every second of its
spans, then every fourth, and so on, and its name says which.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bitline.base.errors import CapacityError, InternalError
from bitline.base.files import whole_file

LIMIT_BYTES = 64 << 20
"""Perfetto reads JSON of this size without trouble; near 900 MB it fails (google/perfetto issue 99)."""

_HEAD_BYTES = 512
_NOTE_BYTES = 64  # by which a track's names may grow after their bytes were counted
_LONGEST_NAME = 120


@dataclass(frozen=True)
class Span:
    """Something that went on from `start_ps` to `end_ps` on a track, such as `pim channel 0`."""

    track: str
    name: str
    start_ps: int
    end_ps: int
    args: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TimelineSummary:
    """What was written: spans seen and kept, and the tracks that keep one span in `thinned[track]`."""

    spans: int
    kept: int
    thinned: dict[str, int]


def write_timeline(spans: Iterable[Span], path: str | Path, *, limit_bytes: int = LIMIT_BYTES) -> TimelineSummary:
    """Write spans, those of a track in order of start, as Chrome-trace JSON; gzip where the name ends in `.gz`.

    Takes spans one by one and holds at most `limit_bytes` of them, which bounds the uncompressed file. Raises
    OutputError, and CapacityError for a limit that cannot hold one span a track.
    """
    path = Path(path)
    trace = _Trace(limit_bytes, path)
    for span in spans:
        trace.take(span)
    with whole_file(path) as stream:
        if path.suffix == ".gz":
            # No name and no time in the header: the same spans give the same bytes.
            with gzip.GzipFile(filename="", mode="wb", fileobj=stream, mtime=0) as packed:
                packed.writelines(trace.document())
        else:
            stream.writelines(trace.document())
    return trace.summary()


@dataclass
class _Lane:
    """One row of a track, without overlaps: trace viewers draw spans that overlap on one thread wrongly."""

    thread: int
    end_ps: int


@dataclass
class _Track:
    """The spans of one track that are kept so far: every `step`-th."""

    name: str
    step: int = 1
    seen: int = 0
    events: list[bytes] = field(default_factory=list)
    size_bytes: int = 0
    lanes: list[_Lane] = field(default_factory=list)

    def names(self, lane: int, sort_index: int) -> bytes:
        """The events that name one lane and place it."""
        shown = self.name if len(self.name) <= _LONGEST_NAME else self.name[: _LONGEST_NAME - 3] + "..."
        shown += f" #{lane + 1}" if lane else ""
        note = "ps shown as ns" if self.step == 1 else f"ps shown as ns; 1 span in {self.step} kept"
        thread = {"ph": "M", "pid": 1, "tid": self.lanes[lane].thread}
        name = _json({**thread, "name": "thread_name", "args": {"name": f"{shown} ({note})"}})
        order = _json({**thread, "name": "thread_sort_index", "args": {"sort_index": sort_index}})
        return b",\n" + name + b",\n" + order

    def halve(self) -> int:
        """Keep every second of the spans that are kept; the bytes that this frees."""
        before = self.size_bytes
        self.step *= 2
        self.events = self.events[::2]
        self.size_bytes = sum(map(len, self.events))
        return before - self.size_bytes


class _Trace:
    """All tracks, in order of appearance, and the size of the file that they make."""

    def __init__(self, limit_bytes: int, path: Path) -> None:
        self.limit_bytes = limit_bytes
        self.path = path
        self.tracks: dict[str, _Track] = {}
        self.size_bytes = _HEAD_BYTES
        self.threads = 0

    def take(self, span: Span) -> None:
        """Keep a span if its track's turn has come."""
        if span.end_ps < span.start_ps:
            raise InternalError(f"span '{span.name}' on track '{span.track}' ends before it starts")
        track = self.tracks.setdefault(span.track, _Track(span.track))
        if track.seen % track.step == 0:
            event = _event(span, self._thread(track, span))
            track.events.append(event)
            track.size_bytes += len(event)
            self.size_bytes += len(event)
        track.seen += 1
        while self.size_bytes > self.limit_bytes:
            self._thin()

    def _thread(self, track: _Track, span: Span) -> int:
        """The thread of the first lane that is free when the span starts."""
        for lane in track.lanes:
            if lane.end_ps <= span.start_ps:
                lane.end_ps = span.end_ps
                return lane.thread
        self.threads += 1
        track.lanes.append(_Lane(self.threads, span.end_ps))
        self.size_bytes += len(track.names(len(track.lanes) - 1, self.threads)) + _NOTE_BYTES
        return self.threads

    def _thin(self) -> None:
        candidates = [track for track in self.tracks.values() if len(track.events) > 1]
        if not candidates:
            problem = f"a timeline of {len(self.tracks)} tracks or more does not fit in {self.limit_bytes} bytes"
            raise CapacityError(problem, file=self.path)
        self.size_bytes -= max(candidates, key=lambda track: track.size_bytes).halve()

    def summary(self) -> TimelineSummary:
        """What is kept."""
        tracks = self.tracks.values()
        return TimelineSummary(
            spans=sum(track.seen for track in tracks),
            kept=sum(len(track.events) for track in tracks),
            thinned={track.name: track.step for track in tracks if track.step > 1},
        )

    def document(self) -> Iterator[bytes]:
        """The file, piece by piece."""
        summary = self.summary()
        about = {
            "time": "1 ns of this trace is 1 ps of the simulation",
            "spans": summary.spans,
            "spans_kept": summary.kept,
            "complete": not summary.thinned,
        }
        yield b'{"displayTimeUnit":"ns","otherData":' + _json(about) + b',"traceEvents":[\n'
        yield _json({"ph": "M", "pid": 1, "name": "process_name", "args": {"name": "bitline (1 ns shown = 1 ps)"}})
        lanes = [(track, lane) for track in self.tracks.values() for lane in range(len(track.lanes))]
        for sort_index, (track, lane) in enumerate(lanes):
            yield track.names(lane, sort_index)
        for track in self.tracks.values():
            yield from track.events
        yield b"\n]}\n"


def _event(span: Span, thread: int) -> bytes:
    """A complete event. The unit of `ts` and `dur` is the microsecond: ps / 1000, as a decimal without rounding."""
    text = _json({"name": span.name, "args": span.args})
    times = f'"ts":{_thousandths(span.start_ps)},"dur":{_thousandths(span.end_ps - span.start_ps)}'
    return f',\n{{"ph":"X","pid":1,"tid":{thread},{times},'.encode() + text[1:]


def _thousandths(number: int) -> str:
    whole, part = divmod(number, 1000)
    return f"{whole}.{part:03d}"


def _json(data: Any) -> bytes:
    return json.dumps(data, separators=(",", ":"), allow_nan=False).encode()
