"""Quantities in and out."""

import pytest
from pydantic import TypeAdapter, ValidationError

from bitline.base.units import (
    Bytes,
    GigabytesPerSecond,
    Megahertz,
    Nanoseconds,
    Watts,
    format_bytes,
    format_energy,
    format_time,
    parse_quantity,
)


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [
        ("1.5 GHz", "MHz", 1500),
        ("800MHz", "MHz", 800),
        (" 2e3 kHz ", "MHz", 2),
        ("10 us", "ns", 10_000),
        ("64 KiB", "B", 65536),
        ("64 KB", "B", 64_000),
        ("1.2 TB/s", "GB/s", 1200),
        ("250 mW", "W", 0.25),
        ("3 nJ", "pJ", 3000),
    ],
)
def test_quantities_are_converted(text, unit, value):
    assert parse_quantity(text, unit) == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize(
    ("text", "unit", "says"),
    [
        ("5", "ns", "'5' is not a number of ns, nor a number with a unit such as '1 ns'"),
        ("fast", "MHz", "'fast' is not a number of MHz"),
        ("1 Ghz", "MHz", "unknown unit 'Ghz'; did you mean 'GHz'?"),
        ("1 GiB/s", "GB/s", "unknown unit 'GiB/s'; did you mean"),
        ("1 ns", "MHz", "'ns' is a unit of time, not of frequency (MHz)"),
        ("1.2.3 ns", "ns", "is not a number"),
        (". ns", "ns", "is not a number"),
        ("1e999 ns", "ns", "is not a finite number"),
        ("nan ns", "ns", "is not a number"),
        ("1 2 ns", "ns", "is not a number"),
    ],
)
def test_a_wrong_unit_is_named_with_a_hint(text, unit, says):
    with pytest.raises(ValueError) as caught:
        parse_quantity(text, unit)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Megahertz, ("1 GHz", 1000), (0, -1, "0 MHz", "2e9 GHz")),
        (Nanoseconds, ("1 us", 1000), (-1, "-1 ns")),
        (Bytes, ("1 KiB", 1024), (0, "-1 B")),
        (GigabytesPerSecond, ("1 TB/s", 1000), (0, "0 B/s")),
        (Watts, ("1 kW", 1000), (-1, "1 J")),
    ],
)
def test_fields_take_numbers_and_quantities_within_their_range(kind, good, bad):
    adapter = TypeAdapter(kind)
    assert adapter.validate_python(good[0]) == adapter.validate_python(good[1]) == good[1]
    for value in bad:
        with pytest.raises(ValidationError):
            adapter.validate_python(value)


def test_numbers_for_people_have_three_digits_and_a_fitting_unit():
    assert [format_time(s) for s in (0, 1.5, 1.234e-3, 5e-6, 7.891e-8, 2e-12)] == [
        "0 s", "1.5 s", "1.23 ms", "5 us", "78.9 ns", "2 ps",
    ]  # fmt: skip
    assert [format_energy(j) for j in (0, 2.5, 1e-3, 4.56e-9, 1e-13)] == ["0 J", "2.5 J", "1 mJ", "4.56 nJ", "0.1 pJ"]
    assert [format_bytes(b) for b in (0, 1, 1500, 3.2e9, 5e13)] == ["0 TB", "1 B", "1.5 kB", "3.2 GB", "50 TB"]


def test_rounding_up_to_the_next_unit_keeps_three_digits():
    assert format_time(0.9996e-3) == "1e+03 us"
