import contextlib
import csv
import sqlite3

import pytest

import bitline
from bitline.base.errors import MissingExtraError, SpecError, TraceError
from bitline.sim.study import sweep
from bitline.sim.study.query import choose, export, sort, where


@pytest.fixture
def opened(here, toy):
    """36 points, 4 of them failed."""
    sweep(toy.study_of(9), here / "out", runner=toy.run)
    return bitline.open(here / "out")


def test_rows_are_those_of_the_table_and_the_study_is_there(opened, toy):
    rows = opened.rows()
    assert len(rows) == 36
    assert (rows[0]["model"], rows[0]["memory.channels"], rows[0]["time_s"]) == ("gpt2", 8, 1 / 8 / 3)
    assert opened.study == toy.study_of(9)
    assert opened.beyond_table == 0


def test_the_table_is_a_data_frame(opened):
    pytest.importorskip("pandas")
    frame = opened.table()
    assert list(frame.columns) == opened.columns
    best = frame[frame.status == "done"].groupby("memory.channels").time_s.min()
    assert best.to_dict() == {8: 1 / 8 / 3, 16: 1 / 16 / 3}


def test_a_missing_data_frame_library_is_named(opened, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(MissingExtraError, match="a data frame needs pandas"):
        opened.table()


def test_whole_results_come_by_their_row(opened, toy):
    assert opened.result(3).counts == {"ACT": opened.rows()[2]["context"]}
    failed = next(number for number, row in enumerate(opened.rows(), 1) if row["status"] == "failed")
    with pytest.raises(TraceError, match=f"point {failed} failed: context: 7 tokens are too many"):
        opened.result(failed)
    with pytest.raises(TraceError, match="has 36 points; expected 1 to 36"):
        opened.result(37)


def test_a_damaged_result_is_said(opened):
    with contextlib.closing(sqlite3.connect(opened.folder / "study.sqlite")) as database, database:
        database.execute("UPDATE results SET digest = 'x'")
    with pytest.raises(TraceError, match="point 1 is not in the store, or damaged"):
        opened.result(1)


def test_sql_sees_the_table_of_points(opened):
    found = opened.sql(
        'SELECT "memory.channels" AS channels, min(time_s) AS best FROM points GROUP BY channels ORDER BY 1'
    )
    assert found == [{"channels": 8, "best": 1 / 8 / 3}, {"channels": 16, "best": 1 / 16 / 3}]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM points",
        "DROP TABLE points",
        "ATTACH 'other.sqlite' AS other",
        "PRAGMA user_version = 3",
        "SELECT load_extension('x')",
        "SELECT nothing FROM points",
        "SELECT 1; DROP TABLE points",
        "SELEC",
    ],
)
def test_sql_that_is_no_query_is_one_error(opened, here, query):
    with pytest.raises(SpecError, match="--sql: "):
        opened.sql(query)
    assert not (here / "other.sqlite").exists()
    assert len(opened.rows()) == 36


ROWS = [
    {"name": "a", "memory.channels": 8, "power_w": 3.0},
    {"name": "b", "memory.channels": 16, "power_w": None},
    {"name": "c", "memory.channels": 32, "power_w": 1},
]


def names(rows):
    return "".join(row["name"] for row in rows)


def test_conditions_pick_rows_and_hold_for_no_missing_value():
    assert names(where(ROWS, "memory.channels >= 16")) == "bc"
    assert names(where(ROWS, "power_w < 300 and memory.channels > 8")) == "c"
    assert names(where(ROWS, "name == 'a' or power_w == 1")) == "ac"


def test_rows_are_sorted_with_what_is_missing_last():
    assert names(sort(ROWS, ["power_w"])) == "cab"
    assert names(sort(ROWS, ["-power_w"])) == "acb"
    assert names(sort([*ROWS, {**ROWS[0], "name": "0"}], ["power_w", "-name"])) == "ca0b"
    assert choose(ROWS, ["name"])[1] == {"name": "b"}


@pytest.mark.parametrize(
    "ask",
    [lambda: where(ROWS, "powr_w < 3"), lambda: sort(ROWS, ["-powr_w"]), lambda: choose(ROWS, ["powr_w"])],
)
def test_an_unknown_column_is_one_error_with_a_suggestion(ask):
    with pytest.raises(SpecError, match="did you mean 'power_w'"):
        ask()


def test_csv_and_parquet_hold_what_the_rows_hold(tmp_path):
    export(ROWS, tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open() as stream:
        assert [row["power_w"] for row in csv.DictReader(stream)] == ["3.0", "", "1"]
    parquet = pytest.importorskip("pyarrow.parquet")
    export(ROWS, tmp_path / "rows.parquet")
    assert parquet.read_table(tmp_path / "rows.parquet").to_pylist() == ROWS


def test_a_column_of_several_kinds_is_text_in_parquet(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    export([{"x": 1}, {"x": "whole"}, {"x": [1, 2]}, {"x": None}], tmp_path / "rows.parquet")
    assert parquet.read_table(tmp_path / "rows.parquet")["x"].to_pylist() == ["1", "whole", "[1, 2]", None]


def test_an_unknown_form_is_one_error(tmp_path):
    with pytest.raises(SpecError, match=r"is no form to export to; expected a name that ends in .csv or .parquet"):
        export(ROWS, tmp_path / "rows.xlsx")
    assert list(tmp_path.iterdir()) == []
