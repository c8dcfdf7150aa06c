"""`bitline validate`: rows, exit status, files that it writes, and a user's own references."""

import csv
import json

import pytest

KEYS = ["name", "metric", "origin", "reference", "simulated", "error_pct", "tolerance_pct", "pass", "inputs"]
HEADER = "name,metric,origin,reference,tolerance_pct,inputs\n"
GOOD = "a lone read,latency_ticks,by hand,49,0,unloaded_read part=ddr4-3200\n"
BAD = "a wrong number,latency_ticks,by hand,60,1,unloaded_read part=ddr4-3200\n"


@pytest.fixture
def reference_file(tmp_path):
    def write(text):
        path = tmp_path / "mine.csv"
        path.write_text(text)
        return path

    return write


def test_a_users_reference_that_is_met(process, reference_file):
    ended = process("validate", "--reference", reference_file(HEADER + GOOD), "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    (row,) = json.loads(ended.stdout)
    assert list(row) == KEYS
    assert (row["reference"], row["simulated"], row["error_pct"], row["pass"]) == (49, 49, 0, True)


def test_a_users_reference_that_is_missed_ends_with_1(process, reference_file):
    ended = process("validate", "--reference", reference_file(HEADER + GOOD + BAD), "--json")
    assert (ended.returncode, ended.stderr) == (1, "")
    assert [row["pass"] for row in json.loads(ended.stdout)] == [True, False]


def test_the_text_form_names_each_row(bitline, reference_file):
    path = reference_file(HEADER + GOOD + BAD)
    ended = bitline("validate", "--reference", path)
    assert ended.status == 1
    assert "1 of 2 rows within their tolerance" in ended.out
    assert "-18.333" in ended.out
    only = bitline("validate", "--reference", path, "--failures").out
    assert "a wrong number" in only
    assert "a lone read" not in only


def test_rows_written_as_csv_are_references_again(bitline, reference_file, tmp_path):
    rows = tmp_path / "rows.csv"
    assert bitline("validate", "--reference", reference_file(HEADER + GOOD), "--csv", rows).status == 0
    assert next(csv.reader(rows.read_text().splitlines())) == KEYS
    assert bitline("validate", "--reference", rows).status == 0


def test_the_page_has_a_summary_and_every_row(bitline, reference_file, tmp_path):
    page = tmp_path / "page.md"
    bitline("validate", "--reference", reference_file(HEADER + GOOD + BAD), "--markdown", page)
    text = page.read_text()
    assert "| by hand | 2 | 1 |" in text
    assert "| a wrong number | latency_ticks | by hand | 60 | 49 | -18.333 | 1 | **no** |" in text


def test_the_references_of_other_simulators_are_met(bitline):
    """All rows: cycles within 1% (all but LPDDR5 exact), mean read latency within 2%, counts within 1%."""
    ended = bitline("validate", "dram", "--json")
    rows = json.loads(ended.out)
    assert ended.status == 0
    assert len(rows) >= 290
    assert all(row["pass"] for row in rows)
    cycles = [row for row in rows if row["metric"] in ("ticks", "last_accepted_tick") and "LPDDR5" not in row["name"]]
    assert len(cycles) >= 40
    assert all(row["simulated"] == row["reference"] for row in cycles)
    closed = [row for row in rows if row["origin"] == "closed form"]
    assert all(row["simulated"] == row["reference"] for row in closed)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (HEADER + GOOD.replace("49", "x"), "mine.csv:2: reference: 'x' is no number"),
        (HEADER + GOOD.replace("ddr4-3200", "ddr4-3020"), "a lone read: unknown DRAM part 'ddr4-3020'"),
        (HEADER + GOOD.replace("latency_ticks", "latency"), "a lone read: unknown metric 'latency'"),
        (HEADER + GOOD.replace("unloaded_read", "loaded"), "a lone read: unknown experiment 'loaded'"),
        ("junk", "mine.csv: holds no references"),
        ("", "mine.csv: is empty"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_and_nothing_written(refused, reference_file, tmp_path, text, says):
    said = refused("validate", "--reference", reference_file(text), "--csv", tmp_path / "rows.csv")
    assert says in said
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.csv"]


def test_wrong_names_and_places_are_refused(refused, reference_file, tmp_path):
    assert "unknown validation 'drum'; expected did you mean 'dram'?" in refused("validate", "drum")
    path = reference_file(HEADER + GOOD)
    assert "none/rows.csv: cannot be written" in refused(
        "validate", "--reference", path, "--csv", tmp_path / "none/rows.csv"
    )
    assert "none.csv: cannot be read" in refused("validate", "--reference", tmp_path / "none.csv")
