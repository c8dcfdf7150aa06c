import pytest

from bitline.plots.labels import axis_label, name_and_unit, percent, scale, short_number


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("time_per_token_s", ("time per token", "s")),
        ("tokens_per_s", ("tokens", "1/s")),
        ("bandwidth_gb_s", ("bandwidth", "GB/s")),
        ("asic.clock_mhz", ("asic.clock", "MHz")),
        ("row_hit_rate", ("row hit rate", "")),
        ("_s", (" s", "")),
    ],
)
def test_units_come_from_the_columns_ending(column, expected):
    assert name_and_unit(column) == expected


@pytest.mark.parametrize(
    ("values", "unit", "expected"),
    [
        ([0.2, 0.003], "s", (1e-3, "ms")),
        ([2.0], "s", (1.0, "s")),
        ([4e-12], "J", (1e-12, "pJ")),
        ([5e9], "B", (1e9, "GB")),
        ([0.0], "s", (1.0, "s")),
        ([0.2], "GB/s", (1.0, "GB/s")),
        ([], "s", (1.0, "s")),
    ],
)
def test_the_prefix_suits_the_largest_value(values, unit, expected):
    assert scale(values, unit) == expected


def test_short_numbers():
    assert [short_number(value) for value in (0, 0.01234, 1.5, 128, 12300, 2e9)] == [
        *("0", "0.0123", "1.5", "128", "12,300", "2e+09")
    ]


def test_what_is_there_is_never_called_nothing():
    assert [percent(share) for share in (0, 1e-9, 0.0005, 0.254, 1)] == ["0.0%", "<0.1%", "0.1%", "25.4%", "100.0%"]


def test_axis_labels_name_the_unit():
    assert axis_label("time", "ms") == "time (ms)"
    assert axis_label("batch", "") == "batch"
