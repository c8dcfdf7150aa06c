import gzip
import itertools
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import CapacityError, InternalError, OutputError
from bitline.sim.run.timeline import Span, TimelineSummary, write_timeline

SPANS = [
    Span("operators", "qkv", 0, 1_500_250, {"layer": 0}),
    Span("pim channel 0", "row 7", 125, 130),
    Span("pim channel 0", "row 8", 130, 131),
    Span("operators", "score", 1_500_250, 1_500_250),
]


def read(path):
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    return json.loads(content, parse_float=Decimal), len(content)


def spans_of(trace):
    """(name of the track, name, start_ps, end_ps, args) of each span, from what Perfetto would read."""
    names = {event["tid"]: event["args"]["name"] for event in trace["traceEvents"] if event["name"] == "thread_name"}
    return [
        (names[event["tid"]], event["name"], event["ts"] * 1000, (event["ts"] + event["dur"]) * 1000, event["args"])
        for event in trace["traceEvents"]
        if event["ph"] == "X"
    ]


def test_every_span_reads_back_to_the_picosecond(tmp_path):
    path = tmp_path / "run.json"
    assert write_timeline(SPANS, path) == TimelineSummary(4, 4, {})
    found = sorted(spans_of(read(path)[0]), key=str)
    track = "{} (ps shown as ns)".format
    assert found == sorted(((track(s.track), s.name, s.start_ps, s.end_ps, s.args) for s in SPANS), key=str)


def test_times_are_not_rounded_at_the_end_of_the_range(tmp_path):
    path = tmp_path / "run.json"
    write_timeline([Span("a", "b", 2**63 - 2, 2**63 - 1)], path)
    assert spans_of(read(path)[0])[0][2:4] == (2**63 - 2, 2**63 - 1)


def test_tracks_say_what_their_time_is(tmp_path):
    path = tmp_path / "run.json"
    write_timeline(SPANS, path)
    trace, _ = read(path)
    names = [event["args"]["name"] for event in trace["traceEvents"] if event["ph"] == "M" and "name" in event["args"]]
    assert names == ["bitline (1 ns shown = 1 ps)", "operators (ps shown as ns)", "pim channel 0 (ps shown as ns)"]
    assert trace["otherData"] == {
        **{"time": "1 ns of this trace is 1 ps of the simulation", "spans": 4, "spans_kept": 4, "complete": True}
    }


def test_tracks_stand_in_order_of_appearance(tmp_path):
    path = tmp_path / "run.json"
    write_timeline(SPANS, path)
    events = [event for event in read(path)[0]["traceEvents"] if event["name"] == "thread_sort_index"]
    assert [event["args"]["sort_index"] for event in events] == [0, 1]


def test_spans_that_overlap_stand_on_lanes_of_their_own(tmp_path):
    path = tmp_path / "run.json"
    write_timeline([Span("asic", "a", 0, 10), Span("asic", "b", 5, 12), Span("asic", "c", 10, 11)], path)
    tracks = {name: track for track, name, *_ in spans_of(read(path)[0])}
    assert tracks["a"] == tracks["c"] == "asic (ps shown as ns)"
    assert tracks["b"] == "asic #2 (ps shown as ns)"


def test_gzip_when_the_name_says_so(tmp_path):
    write_timeline(SPANS, tmp_path / "run.json")
    write_timeline(SPANS, tmp_path / "run.json.gz")
    assert read(tmp_path / "run.json.gz") == read(tmp_path / "run.json")


@pytest.mark.parametrize("name", ["run.json", "run.json.gz"])
def test_the_same_spans_give_the_same_bytes(tmp_path, name):
    (tmp_path / "other").mkdir()
    write_timeline(SPANS, tmp_path / name)
    write_timeline(SPANS, tmp_path / "other" / name)
    assert (tmp_path / name).read_bytes() == (tmp_path / "other" / name).read_bytes()


def many(count):
    """One coarse track and one fine one, as a run of `count` rows has them."""
    for i in range(count):
        if i % 100 == 0:
            yield Span("operators", f"op {i // 100}", 1000 * i, 1000 * (i + 100))
        yield Span("pim channel 0", "row", 1000 * i, 1000 * i + 900, {"row": i})


def test_a_file_that_would_be_too_large_is_thinned_evenly_where_it_is_finest(tmp_path):
    path = tmp_path / "run.json"
    summary = write_timeline(many(20_000), path, limit_bytes=200_000)
    trace, size_bytes = read(path)
    assert 80_000 < size_bytes <= 200_000
    (step,) = summary.thinned.values()
    assert summary.thinned == {"pim channel 0": step}
    found = spans_of(trace)
    fine = [span for span in found if span[1] == "row"]
    assert {span[0] for span in fine} == {f"pim channel 0 (ps shown as ns; 1 span in {step} kept)"}
    assert [span[4]["row"] for span in fine] == list(range(0, 20_000, step))
    assert sum(span[0] == "operators (ps shown as ns)" for span in found) == 200
    assert trace["otherData"]["complete"] is False
    assert (trace["otherData"]["spans"], trace["otherData"]["spans_kept"]) == (20_200, len(found))
    assert (summary.spans, summary.kept) == (20_200, len(found))


@given(
    st.lists(st.tuples(st.sampled_from(["a", "überlang" * 40, '"\n\ud800']), st.integers(0, 3)), max_size=120),
    st.integers(6_000, 12_000),
)
def test_no_file_is_larger_than_its_limit(tmp_path_factory, rows, limit_bytes):
    path = tmp_path_factory.getbasetemp() / "bounded.json"
    spans = [Span(track, "x" * 9 * length, 2 * i, 2 * i + length) for i, (track, length) in enumerate(rows)]
    summary = write_timeline(spans, path, limit_bytes=limit_bytes)
    trace, size_bytes = read(path)
    assert size_bytes <= limit_bytes
    assert summary.spans == len(spans)
    assert len(spans_of(trace)) == summary.kept
    assert bool(summary.thinned) == (summary.kept < summary.spans)


def test_spans_on_one_thread_never_overlap(tmp_path):
    path = tmp_path / "run.json"
    write_timeline([Span("a", str(i), 7 * i, 7 * i + 30) for i in range(50)], path)
    by_track = {}
    for track, _, start, end, _ in spans_of(read(path)[0]):
        by_track.setdefault(track, []).append((start, end))
    assert len(by_track) == 5
    assert all(end <= start for spans in by_track.values() for (_, end), (start, _) in itertools.pairwise(spans))


def test_a_limit_that_cannot_hold_one_span_a_track_is_refused(tmp_path):
    with pytest.raises(CapacityError, match=r"a timeline of [0-9]+ tracks or more does not fit in 4000 bytes"):
        write_timeline((Span(f"track {i}", "a", 0, 1) for i in range(100)), tmp_path / "run.json", limit_bytes=4000)
    assert list(tmp_path.iterdir()) == []


def test_a_span_that_ends_before_it_starts_is_a_defect(tmp_path):
    with pytest.raises(InternalError, match="'b' on track 'a' ends before it starts"):
        write_timeline([Span("a", "b", 5, 4)], tmp_path / "run.json")


def test_an_error_among_the_spans_leaves_the_old_file(tmp_path):
    def broken():
        yield SPANS[0]
        raise RuntimeError("stop")

    path = tmp_path / "run.json"
    path.write_text("old")
    with pytest.raises(RuntimeError):
        write_timeline(broken(), path)
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["run.json"]


def test_a_folder_that_is_not_there_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        write_timeline(SPANS, tmp_path / "absent" / "run.json")


def test_no_spans_make_an_empty_trace(tmp_path):
    path = tmp_path / "run.json"
    assert write_timeline([], path).spans == 0
    assert spans_of(read(path)[0]) == []
