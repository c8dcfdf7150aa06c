"""Rows, their CSV form and files of references: read back as written, refused with file, line and column."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitline.base.errors import BitlineError, SpecError, TraceError
from bitline.sim.validate.rows import COLUMNS, Reference, Row, parse_references, read_table, write_rows
from bitline.sim.validate.suites import read_references, run_references, suite_references

HEADER = "name,metric,origin,reference,tolerance_pct,inputs\n"
SOUND = "a lone read,latency_ticks,by hand,49,0,unloaded_read part=ddr4-3200\n"
PEERS = "peer,config,workload,requests,cycles,variant\n"


def references_of(path, text):
    path.write_text(text)
    return read_references(path)


@pytest.mark.parametrize(
    ("reference", "simulated", "tolerance", "error", "passed"),
    [
        (100, 101, 1, 1.0, True),
        (100, 101.1, 1, 1.1, False),
        (100, 98.9, 1, -1.1, False),
        (-100, -101, 1, -1.0, True),
        (0, 0, 0, 0.0, True),
        (0, 0.5, 1, 50.0, False),
        (49, 49, 0, 0.0, True),
        (49, 50, 0, 100 / 49, False),
    ],
)
def test_a_row_is_its_error_against_its_tolerance(reference, simulated, tolerance, error, passed):
    row = Row(Reference("n", "m", "o", reference, tolerance, "x"), simulated)
    assert row.error_pct == pytest.approx(error)
    assert row.passed is passed


TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.builds(Reference, TEXT, TEXT, TEXT, NUMBER, st.floats(0, 1e9), TEXT), min_size=1, max_size=5), NUMBER
)
def test_rows_that_were_written_are_references_again(tmp_path_factory, references, simulated):
    path = tmp_path_factory.mktemp("rows") / "rows.csv"
    path.write_text(write_rows(Row(reference, simulated) for reference in references), encoding="utf-8")
    assert parse_references(read_table(path), path) == references


def test_the_csv_form_has_the_columns_of_the_rows():
    assert write_rows([]) == ",".join(COLUMNS) + "\n"


def test_a_users_file_of_references_is_run(tmp_path):
    (row,) = run_references(references_of(tmp_path / "r.csv", HEADER + SOUND))
    assert (row.simulated, row.passed) == (49, True)


def test_a_table_of_a_peer_is_recognised_and_run(tmp_path):
    text = PEERS + "DRAMsim3,configs/DDR4_8Gb_x8_3200.ini,stream,500,3155,\n"
    (row,) = run_references(references_of(tmp_path / "r.csv", text))
    assert (row.reference.metric, row.simulated, row.passed) == ("ticks", 3155, True)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER, "r.csv: holds no references"),
        ("", "r.csv: is empty; expected the columns name, metric"),
        (HEADER.replace("reference", "refrence") + SOUND, "has no column 'reference'; expected did you mean"),
        (HEADER + SOUND + "short,row\n", "r.csv:3: does not have 6 cells"),
        (HEADER + SOUND.replace("\n", ",more\n"), "r.csv:2: does not have 6 cells"),
        (HEADER + SOUND.replace(",49,", ",many,"), "r.csv:2: reference: 'many' is no number; expected a finite number"),
        (HEADER + SOUND.replace(",49,", ",nan,"), "r.csv:2: reference: 'nan' is no number"),
        (HEADER + SOUND.replace(",0,", ",-1,"), "r.csv:2: tolerance_pct: is negative"),
        (HEADER + '"unclosed', ": is not CSV (unexpected end of data)"),
        (PEERS + "Ramulator9,x,stream,500,3155,\n", "r.csv:2: holds"),
        (PEERS + "Ramulator2.1,DDR4_8Gb_x8/DDR4_3200AA,stream,500,many,\n", "r.csv:2: holds"),
        (PEERS + "Ramulator2.1,DDR4_8Gb_x8/DDR4_3200AA,stream,500,1,GenericDDR;FRFCFS;RoBaRaCoCh;Closed;AllBank;1ch\n",
         "row policy 'Closed'"),
        (PEERS + "Ramulator2.1,DDR4_8Gb_x8/DDR4_3200AA,stream,500,1,half;of;it\n", "r.csv:2: holds"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_of_references_is_refused(tmp_path, text, says):
    with pytest.raises(TraceError) as caught:
        references_of(tmp_path / "r.csv", text)
    assert says in str(caught.value)
    assert len(str(caught.value)) <= 300


def test_bytes_and_missing_files_are_refused(tmp_path):
    (tmp_path / "r.csv").write_bytes(b"name\xff\xfe")
    with pytest.raises(TraceError, match="is not UTF-8"):
        read_references(tmp_path / "r.csv")
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(TraceError, match="cannot be read"):
            read_references(path)


@pytest.mark.parametrize(
    ("inputs", "metric", "says"),
    [
        (
            "unloaded_reed part=ddr4-3200",
            "latency_ticks",
            "unknown experiment 'unloaded_reed'; expected did you mean 'unloaded_read'",
        ),
        ("unloaded_read part=ddr4-3020", "latency_ticks", "unknown DRAM part 'ddr4-3020'"),
        ("unloaded_read", "latency_ticks", "'unloaded_read' needs 'part'"),
        ("unloaded_read part=ddr4-3200", "latency", "unknown metric 'latency'; expected did you mean"),
        ("unloaded_read ddr4-3200", "latency_ticks", "'ddr4-3200' is not key=value"),
        ("dram part=ddr4-3200 pattern=steam requests=10", "ticks", "unknown pattern 'steam'"),
        ("dram part=ddr4-3200 pattern=stream requests=ten", "ticks", "invalid literal"),
        ("dram part=ddr4-3200 pattern=stream requests=-1", "ticks", "-1 requests"),
        ("dram part=ddr4-3200 pattern=stream requests=10 refresh=daily", "ticks", "refresh"),
        ("", "ticks", "unknown experiment ''"),
    ],
)
def test_a_reference_that_cannot_be_run_says_which_and_why(inputs, metric, says):
    with pytest.raises(BitlineError) as caught:
        list(run_references([Reference("my row", metric, "o", 1, 1, inputs)]))
    assert says in str(caught.value)


def test_suites_have_names():
    assert len(suite_references(["dram"])) >= 290
    with pytest.raises(SpecError, match="unknown validation 'drum'; expected did you mean 'dram'"):
        suite_references(["drum"])


def test_no_reference_of_the_suite_is_there_twice():
    references = suite_references(["dram"])
    keys = [(reference.metric, reference.inputs) for reference in references]
    # Two columns of a peer's table may speak of one number.
    assert len(set(keys)) >= len(keys) - 20
    assert all(reference.tolerance_pct <= 2 for reference in references)
