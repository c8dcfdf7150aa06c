"""The commands of whole runs: legal to the independent checker, and the same with and without fast-forward."""

import dataclasses

import pytest

from bitline.sim.check import Checker, read_commands

PART = {"pim-gpt": "gddr6-aim", "hbm-pim": "hbm-pim"}


def check(machine, system, path):
    """The checker's report on one channel of each class, each with its whole run."""
    machine.write_commands(path)
    return Checker(PART[system]).check(read_commands(path))


@pytest.mark.parametrize("system", PART)
def test_every_command_of_a_token_obeys_the_rules(logged, tmp_path, system):
    result, machine = logged("gpt2", system, context=200)
    report = check(machine, system, tmp_path / "commands.csv")
    assert report.passed, report.text()
    channels = sum(alike.multiplicity for alike in machine.classes)
    assert report.n_commands >= sum(result.counts.values()) / channels
    assert report.n_commands <= sum(result.counts.values())


def test_units_with_few_lanes_keep_their_pace(logged, tmp_path):
    """Half the lanes: the log obeys the rules of such a part; that of a whole unit breaks them."""
    half = {"pim.lanes_per_bank": 8}
    for lanes, kept in ((8, True), (16, False)):
        _result, machine = logged("gpt2", "pim-gpt", context=20, settings={"memory.pim.lanes_per_bank": lanes})
        machine.write_commands(tmp_path / "commands.csv", 0, 20_000)
        report = Checker("gddr6-aim", settings=half).check(read_commands(tmp_path / "commands.csv"))
        assert report.passed is kept
        assert ("lanes: MAC16 to MAC16 or results" in report.violations) is not kept


@pytest.mark.slow
@pytest.mark.parametrize("system", PART)
def test_every_command_of_a_generation_obeys_the_rules(logged, tmp_path, system):
    """Appends, short contexts, refreshes between tokens."""
    _result, machine = logged("gpt2", system, phase="generate", prompt=15, tokens=3, settings={"memory.channels": 16})
    report = check(machine, system, tmp_path / "commands.csv")
    assert report.passed, report.text()


@pytest.mark.slow
@pytest.mark.parametrize("system", PART)
@pytest.mark.parametrize(
    ("model", "channels", "options"),
    [
        ("llama-3.2-1b", 64, {"context": 300}),
        ("qwen2.5-0.5b", 64, {"context": 129}),
        ("gpt2", 24, {"context": 1024}),
        ("gpt2", 5, {"context": 777, "policy": "serial"}),
        ("gpt2", 8, {"batch": 2, "context": 50}),
    ],
)
def test_every_command_of_other_models_obeys_the_rules(logged, tmp_path, system, model, channels, options):
    channels *= 4 if system == "hbm-pim" else 1  # a quarter of the rows' bytes
    settings = {"memory.channels": channels, "policy.reserved_tokens": 1024}
    _result, machine = logged(model, system, settings=settings, **options)
    report = check(machine, system, tmp_path / "commands.csv")
    assert report.passed, report.text()


@pytest.mark.parametrize("system", PART)
def test_fast_forward_changes_nothing_of_a_token(logged, tmp_path, system):
    on, on_machine = logged("gpt2", system, context=200)
    off, off_machine = logged("gpt2", system, context=200, fast_forward=False)
    assert on.fast_forward["replayed_share"] > 0.5
    assert off.fast_forward == {"on": False}
    assert dataclasses.replace(on, fast_forward={}) == dataclasses.replace(off, fast_forward={})
    on_machine.write_commands(tmp_path / "on.csv")
    off_machine.write_commands(tmp_path / "off.csv")
    assert (tmp_path / "on.csv").read_bytes() == (tmp_path / "off.csv").read_bytes()
    assert list(on_machine.spans()) == list(off_machine.spans())


def test_a_window_is_a_piece_of_the_whole_log(logged, tmp_path):
    _result, machine = logged("gpt2", "pim-gpt", context=200)
    machine.write_commands(tmp_path / "all.csv")
    machine.write_commands(tmp_path / "window.csv", 5_000, 90_000)
    header, *lines = (tmp_path / "all.csv").read_text().splitlines()
    inside = [line for line in lines if 5_000 <= int(line.split(",", 1)[0]) < 90_000]
    assert (tmp_path / "window.csv").read_text().splitlines() == [header, *inside]
    assert len(inside) > 1000


def test_the_timeline_has_every_task_inside_the_run(logged):
    result, machine = logged("gpt2", "pim-gpt", context=200)
    spans = list(machine.spans())
    assert {span.track for span in spans} > {"asic"}
    assert all(0 <= span.start_ps < span.end_ps <= round(result.time_s * 1e12) for span in spans)
    assert {span.name for span in spans} <= {operator.name for operator in result.operators}
