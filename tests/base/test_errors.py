"""One line an error: where, what, what was expected; and the exit status that it ends a command with."""

import pytest

from bitline.base.errors import (
    BitlineError,
    CapacityError,
    DeadlockError,
    InternalError,
    MissingExtraError,
    OutputError,
    SpecError,
    TraceError,
    did_you_mean,
)


def test_an_error_says_where_what_and_what_was_expected():
    error = SpecError("is 0", file="part.yaml", line=7, field="timing_ck.tRP", expected="a positive number")
    assert str(error) == "part.yaml:7: timing_ck.tRP: is 0; expected a positive number"
    assert str(SpecError("is 0")) == "is 0"
    assert str(SpecError("is 0", file="f")) == "f: is 0"
    assert str(SpecError("is 0", line=3)) == "is 0"


def test_an_error_is_one_line_of_at_most_300_characters():
    error = SpecError("a\nb\t c" + "x" * 1000, file="f", expected="y" * 1000)
    assert len(str(error)) == 300
    assert str(error).startswith("f: a b cxxx")
    assert str(error).endswith("...")


def test_a_long_path_does_not_crowd_out_what_is_wrong():
    error = SpecError("is 0", file="/a" * 300 + "/part.yaml", line=7)
    assert len(str(error)) <= 300
    assert str(error).startswith("...")
    assert str(error).endswith("/a/part.yaml:7: is 0")


@pytest.mark.parametrize("kind", [SpecError, TraceError, CapacityError, OutputError])
def test_wrong_input_ends_with_2(kind):
    assert issubclass(kind, BitlineError)
    assert kind("x").exit_status == 2


@pytest.mark.parametrize("kind", [InternalError, DeadlockError])
def test_a_defect_of_ours_ends_with_3(kind):
    assert kind("x").exit_status == 3


def test_a_missing_extra_says_how_to_install_it():
    error = MissingExtraError("pyarrow", "parquet", "Parquet")
    assert str(error) == "Parquet needs pyarrow; expected pip install 'bitline[parquet]'"
    assert error.exit_status == 2


def test_hints():
    assert did_you_mean("ddr4-3020", ["ddr4-3200", "hbm2"]) == "did you mean 'ddr4-3200'?"
    assert did_you_mean("zzz", ["a", "b"]) == "known: a, b"
    assert did_you_mean("zzz", [str(i) for i in range(20)]).endswith("11, ...")
    assert did_you_mean("zzz", []) == "known: "
