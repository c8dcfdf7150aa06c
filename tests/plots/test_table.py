import csv
import io

import pytest

from bitline.base.errors import OutputError
from bitline.plots.style import drawing, figure_of
from bitline.plots.table import data_path, save_with_data, table_csv

TABLE = [{"name": "a, b", "time_s": 0.1 + 0.2}, {"name": "c", "time_s": 1e-300, "note": None}]


@pytest.fixture
def figure():
    with drawing(None, "column") as ax:
        ax.plot([1, 2])
    return figure_of(ax)


def test_numbers_read_back_as_they_were():
    rows = list(csv.DictReader(io.StringIO(table_csv(TABLE).decode())))
    assert [float(row["time_s"]) for row in rows] == [row["time_s"] for row in TABLE]
    assert rows[0]["name"] == "a, b"
    assert list(rows[0]) == ["name", "time_s", "note"]


def test_the_data_stands_beside_each_figure(figure, tmp_path):
    paths = save_with_data(figure, TABLE, tmp_path / "x.png", tmp_path / "x.svg")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.data.csv", "x.png", "x.svg"]
    assert sorted(paths) == sorted(tmp_path.iterdir())
    assert data_path(tmp_path / "x.png").read_bytes() == table_csv(TABLE)


def test_nothing_is_written_when_one_name_is_bad(figure, tmp_path):
    with pytest.raises(OutputError):
        save_with_data(figure, TABLE, tmp_path / "x.png", tmp_path / "x.bmp")
    assert list(tmp_path.iterdir()) == []


def test_the_input_is_never_overwritten(figure, tmp_path):
    source = tmp_path / "x.data.csv"
    source.write_text("input")
    with pytest.raises(OutputError, match="is the input"):
        save_with_data(figure, TABLE, tmp_path / "x.png", keep=[source])
    assert source.read_text() == "input"
    assert not (tmp_path / "x.png").exists()
