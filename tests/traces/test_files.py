"""Trace files: what is written is read back, and nothing damaged or half written gets through."""

import contextlib
import json
import os
import sys
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import MissingExtraError, OutputError, TraceError
from bitline.traces import DTYPES, Operator, Tensor, Trace, build_trace, read_trace
from bitline.traces.operator import FIELDS, INT64_MAX, KINDS, PHASES, ROLES
from bitline.traces.trace import fold

SUFFIXES = (".parquet", ".json", ".csv")

TRACES = {
    "dense": lambda: build_trace("gpt2", context=9),
    "ragged": lambda: build_trace("gemma-3-1b", contexts=[1, 600, 32], dtype="fp16", kv_dtype="fp8"),
    "experts": lambda: build_trace("mixtral-8x7b", batch=2, expert_load=[2, 0, 1, 1, 0, 0, 0, 0], weight_dtype="int4"),
    "latent": lambda: build_trace("deepseek-v2-lite", "prefill", context=5, attention="fused"),
}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", TRACES)
def test_a_written_trace_is_read_back(tmp_path, name, suffix):
    trace = TRACES[name]()
    trace.write(tmp_path / f"t{suffix}")
    assert read_trace(tmp_path / f"t{suffix}") == trace
    assert [path.name for path in tmp_path.iterdir()] == [f"t{suffix}"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_trace_gives_the_same_bytes(tmp_path, suffix):
    for name in ("a", "b"):
        build_trace("gpt2").write(tmp_path / f"{name}{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


NAMES = st.from_regex(r"\A(layer(0|1|2|03|77777777|9999999)\.)?[a-z_]{1,4}(\.[A-Z0-9/()\[\]+-]{0,3})?\Z")
NUMBERS = st.integers(0, 9) | st.just(INT64_MAX)


@st.composite
def operator_lists(draw):
    """Operators as other front ends may make them: any names, any layers, any earlier dependencies."""
    shapes = st.lists(st.integers(1, 1 << 40), max_size=3).map(tuple)
    kinds = st.builds(Tensor, NAMES, st.sampled_from(ROLES), shapes, st.sampled_from(DTYPES))
    tensors = draw(st.lists(kinds, min_size=1, max_size=5, unique_by=lambda tensor: tensor.name))
    some = st.lists(st.sampled_from(tensors), max_size=2).map(tuple)
    rows = []
    for number in range(draw(st.integers(1, 8))):
        earlier = st.lists(st.integers(0, number - 1), unique=True, max_size=2) if number else st.just([])
        batch = draw(st.integers(0, 3))
        fields = {name: draw(NUMBERS) for name in FIELDS}
        fields |= {
            "id": number,
            "name": draw(NAMES),
            "kind": draw(st.sampled_from(KINDS)),
            "part": draw(st.sampled_from(["", "score", "context"])),
            "phase": draw(st.sampled_from(PHASES)),
            "layer": draw(st.integers(-1, 3)),
            "inputs": draw(some),
            "outputs": draw(some),
            "batch": batch,
            "contexts": tuple(draw(st.lists(st.integers(1, 99), min_size=batch, max_size=batch))),
            "function": draw(st.sampled_from(["", "add", "gelu_new"])),
            "experts": draw(st.sampled_from([0, INT64_MAX])),
            "expert_load": tuple(draw(st.lists(NUMBERS, max_size=2))),
            "dependencies": tuple(draw(earlier)),
        }
        fields |= {name: draw(st.sampled_from(DTYPES)) for name in FIELDS if name.endswith("_dtype")}
        rows.append(Operator(**fields))
    return rows


@given(rows=operator_lists(), suffix=st.sampled_from(SUFFIXES))
def test_any_valid_operators_survive_a_file(tmp_path_factory, rows, suffix):
    trace = Trace("other model, 7 B", "forward", (3, 4), 2, "fp32", "int8", "fp8", "fused", fold(rows))
    assert trace.operators() == tuple(rows)
    path = tmp_path_factory.mktemp("trace") / f"t{suffix}"
    trace.write(path)
    assert read_trace(path) == trace


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    paths = {}
    for suffix in SUFFIXES:
        paths[suffix] = folder / f"t{suffix}"
        build_trace("gpt2", context=9).write(paths[suffix])
    return paths


@given(data=st.data(), suffix=st.sampled_from(SUFFIXES))
def test_a_file_that_is_cut_off_is_refused(tmp_path_factory, files, data, suffix):
    raw = files[suffix].read_bytes()
    cut = tmp_path_factory.mktemp("cut") / f"t{suffix}"
    cut.write_bytes(raw[: data.draw(st.integers(0, len(raw) - 1 - (suffix == ".json")))])
    with pytest.raises(TraceError, match=r"t\.(parquet|json|csv)"):
        read_trace(cut)


def test_a_csv_that_ends_with_a_line_too_early_is_refused(tmp_path, files):
    lines = files[".csv"].read_text().splitlines(keepends=True)
    (tmp_path / "t.csv").write_text("".join(lines[:-1]))
    with pytest.raises(TraceError, match=r"has 160 rows; expected 161, as the first line says"):
        read_trace(tmp_path / "t.csv")


@given(data=st.data(), suffix=st.sampled_from(SUFFIXES))
def test_a_damaged_file_is_read_or_refused(tmp_path_factory, files, data, suffix):
    raw = bytearray(files[suffix].read_bytes())
    for _ in range(data.draw(st.integers(1, 3))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    damaged = tmp_path_factory.mktemp("damaged") / f"t{suffix}"
    damaged.write_bytes(bytes(raw))
    # Nothing but a TraceError may come out.
    with contextlib.suppress(TraceError):
        assert len(read_trace(damaged)) > 0


@pytest.fixture
def edited(tmp_path, files):
    """A JSON trace with one value of one row changed; `...` removes it."""

    def write(row, field, value):
        data = json.loads(files[".json"].read_text())
        target = data if row is None else data["operators"][row]
        if value is ...:
            del target[field]
        else:
            target[field] = value
        path = tmp_path / "edited.json"
        path.write_text(json.dumps(data))
        return path

    return write


@pytest.mark.parametrize(
    ("row", "field", "value", "message"),
    [
        (None, "schema", 2, r"schema: input should be 1, got 2"),
        (None, "model", ..., r"model: is missing"),
        (None, "model", "", r"model: string should have at least 1 character"),
        (None, "phase", "think", r"phase: input should be 'prefill', 'decode'"),
        (None, "contexts", [], r"contexts: .*at least 1"),
        (None, "contexts", [1, 2], r"contexts: has 2 entries; expected 1, or one a request"),
        (None, "batch", 0, r"batch: .*greater than or equal to 1"),
        (None, "kv_dtype", "fp5", r"kv_dtype: input should be"),
        (None, "modle", 1, r"modle: unknown field; expected did you mean 'model'"),
        (None, "operators", [], r"holds no operators"),
        (None, "operators", {}, r"is no trace; expected an object with a list of operators"),
        (None, "operators", [7], r"operators\[0\]: "),
        (3, "kind", "matmull", r"operators\[3\]\.kind: input should be 'matmul'"),
        (3, "phase", "", r"operators\[3\]\.phase"),
        (3, "part", "scores", r"operators\[3\]\.part"),
        (3, "layer", -2, r"operators\[3\]\.layer: .*greater than or equal to -1"),
        (3, "layer", 1 << 40, r"operators\[3\]\.layer: .*less than or equal"),
        (3, "m", -1, r"operators\[3\]\.m: .*greater than or equal to 0, got -1"),
        (3, "m", 1.5, r"operators\[3\]\.m: input should be a valid integer, got 1.5"),
        (3, "m", "7", r'operators\[3\]\.m: input should be a valid integer, got "7"'),
        (3, "m", True, r"operators\[3\]\.m: input should be a valid integer, got true"),
        (3, "m", None, r"operators\[3\]\.m: input should be a valid integer, got null"),
        (3, "flops", 1 << 63, r"operators\[3\]\.flops: .*less than or equal to 9223372036854775807"),
        (3, "weight_dtype", "fp12", r"operators\[3\]\.weight_dtype: input should be 'fp32'"),
        (3, "flops", ..., r"operators\[3\]\.flops: is missing"),
        (3, "flop", 3, r"operators\[3\]\.flop: unknown field; expected did you mean 'flops'"),
        (3, "name", "a b", r"operators\[3\]\.name: string should match pattern"),
        (3, "name", 'x"', r"operators\[3\]\.name: string should match pattern"),
        (3, "id", 4, r"operators\[3\]\.id: is 4; expected 3: ids count up from 0"),
        (3, "dependencies", [3], r"operators\[3\]\.dependencies: names operator 3; expected an earlier operator"),
        (3, "dependencies", [99], r"operators\[3\]\.dependencies: names operator 99"),
        (3, "dependencies", [-1], r"operators\[3\]\.dependencies: names operator -1"),
        (3, "dependencies", [1, 1], r"operators\[3\]\.dependencies: names an operator twice"),
        (3, "contexts", [1, 2], r"operators\[3\]\.contexts: has 2 entries"),
        (3, "contexts", [0], r"operators\[3\]\.contexts\[0\]: .*greater than or equal to 1"),
        (
            3,
            "inputs",
            [{"name": "x", "role": "weight", "shape": [1]}],
            r"operators\[3\]\.inputs\[0\]\.dtype: is missing",
        ),
        (
            3,
            "inputs",
            [{"name": "embedding.token.weight", "role": "weight", "shape": [1], "dtype": "bf16"}],
            r"operators\[3\]: tensor 'embedding.token.weight' has another role, shape or dtype",
        ),
        (
            3,
            "inputs",
            [{"name": "x", "role": "wieght", "shape": [1], "dtype": "bf16"}],
            r"operators\[3\]\.inputs\[0\]\.role: input should be 'weight'",
        ),
        (
            3,
            "inputs",
            [{"name": "x", "role": "weight", "shape": [1] * 9, "dtype": "bf16"}],
            r"operators\[3\]\.inputs\[0\]\.shape",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_row_and_field(edited, row, field, value, message):
    with pytest.raises(TraceError, match=message) as error:
        read_trace(edited(row, field, value))
    assert "edited.json" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# bitline trace ", "# other trace ", r"t\.csv:1: is no trace"),
        ("flops,", "flopz,", r"t\.csv:2: unknown column 'flopz'"),
        (",flops,", ",flops,flops,", r"t\.csv:2: column 'flops' stands 2 times; expected once"),
        (",flops,", ",", r"t\.csv:2: column 'flops' stands 0 times"),
        ("\n1,", "\n1,1,", r"t\.csv:4: has 32 values; expected 31, as columns"),
        ("\n1,", "\none,", r'operators\[1\]\.id: input should be a valid integer, got "one"'),
        ("tokens|activation", "tokens+activation", r"operators\[0\]\.inputs\[0\]: "),
        ("|1x768|", "|1y768|", r"operators\[0\]\.outputs\[0\]\.shape\[0\]: "),
        ('"schema": 1', '"schema": NaN', r"NaN is not a number"),
        ('"schema": 1', '"batch": 1, "schema": 1', r"key 'batch' is given twice"),
    ],
)
def test_a_wrong_csv_is_refused_by_line(tmp_path, files, old, new, message):
    text = files[".csv"].read_text()
    assert old in text
    (tmp_path / "t.csv").write_text(text.replace(old, new, 1))
    with pytest.raises(TraceError, match=message):
        read_trace(tmp_path / "t.csv")


def test_a_csv_with_other_line_ends_and_column_order_is_read(tmp_path, files):
    first, *lines = files[".csv"].read_text().splitlines()
    swapped = [",".join(reversed(line.split(","))) for line in lines]
    (tmp_path / "t.csv").write_bytes(("\r\n".join([first, *swapped]) + "\r\n").encode())
    assert read_trace(tmp_path / "t.csv") == read_trace(files[".csv"])


def test_parquet_of_other_writers_is_read_where_types_fit(tmp_path, files):
    table = pyarrow.parquet.read_table(files[".parquet"])
    small = table.schema.get_field_index("m")
    other = table.set_column(small, "m", table["m"].cast(pyarrow.int32()))
    pyarrow.parquet.write_table(other, tmp_path / "t.parquet")
    assert read_trace(tmp_path / "t.parquet") == read_trace(files[".parquet"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda table: table.drop_columns(["m"]), "column 'm' stands 0 times"),
        (lambda table: table.append_column("x", table["m"]), "unknown column 'x'"),
        (lambda table: table.replace_schema_metadata({}), "has no header"),
        (lambda table: table.replace_schema_metadata({b"bitline.trace": b"{"}), "is not JSON"),
        (lambda table: table.replace_schema_metadata({b"bitline.trace": b"[]"}), "input should be an object"),
        (lambda table: table.set_column(9, "m", table["name"]), "is no trace in Parquet"),
        (
            lambda table: table.set_column(9, "m", pyarrow.nulls(len(table), pyarrow.int64())),
            r"operators\[0\]\.m: input should be a valid integer, got null",
        ),
    ],
)
def test_a_wrong_parquet_is_refused(tmp_path, files, change, message):
    table = pyarrow.parquet.read_table(files[".parquet"])
    assert table.schema.get_field_index("m") == 9
    pyarrow.parquet.write_table(change(table), tmp_path / "t.parquet")
    with pytest.raises(TraceError, match=message):
        read_trace(tmp_path / "t.parquet")


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, files, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"writing Parquet needs pyarrow.*bitline\[parquet\]"):
        build_trace("gpt2").write(tmp_path / "t.parquet")
    with pytest.raises(MissingExtraError, match="reading Parquet needs pyarrow"):
        read_trace(files[".parquet"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["t.txt", "t", "t.json.gz"])
def test_an_unknown_form_is_refused(tmp_path, name):
    with pytest.raises(
        TraceError, match=r"is no form of a trace; expected a name that ends in \.parquet, \.json, \.csv"
    ):
        build_trace("gpt2").write(tmp_path / name)
    with pytest.raises(TraceError, match="is no form of a trace"):
        read_trace(tmp_path / name)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(TraceError, match=r"none\.json: cannot be read"):
        read_trace(tmp_path / "none.json")
    with pytest.raises(OutputError, match=r"t\.json: cannot be written"):
        build_trace("gpt2").write(tmp_path / "none" / "t.json")
    with pytest.raises(TraceError, match="cannot be read"):
        read_trace("bad\0name.json")


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch, error):
    path = tmp_path / "t.json"
    build_trace("gpt2").write(path)
    before = path.read_bytes()

    def fail(_):
        raise error

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises((OutputError, KeyboardInterrupt)):
        build_trace("gpt2-medium").write(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_written_file_has_the_usual_permissions(tmp_path):
    mask = os.umask(0)
    os.umask(mask)
    build_trace("gpt2").write(tmp_path / "t.csv")
    assert Path(tmp_path / "t.csv").stat().st_mode & 0o777 == 0o666 & ~mask
