"""`bitline dram`: what it prints, the trace forms it reads, the log it writes."""

import gzip
import json
import subprocess
import sys

import numpy as np
import pytest
import zstandard

from bitline.sim.check import Checker, read_commands

KEYS = (
    *("requests", "reads", "writes", "cycles", "time_ns", "read_latency_mean_ck", "read_latency_p99_ck"),
    *("row_hits", "row_misses", "row_conflicts", "activates", "precharges", "refreshes"),
    *("bandwidth_gb_s", "bus_utilisation", "energy_pj"),
)
HEADER = "cycle,command,channel,pseudo_channel,rank,bank_group,bank,row,column"
PACKERS = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": lambda text: zstandard.ZstdCompressor().compress(text),
}


def rows_of(count=400, seed=0):
    random = np.random.default_rng(seed)
    return list(zip((random.integers(0, 1 << 27, count) * 64).tolist(), (random.random(count) < 0.3).tolist()))


RAMULATOR = b"".join(b"%s 0x%x\n" % (b"ST" if write else b"LD", address) for address, write in rows_of())
DRAMSIM3 = b"".join(b"0x%x %s 0\n" % (address, b"WRITE" if write else b"READ") for address, write in rows_of())


def test_json_has_the_promised_keys(process):
    ended = process("dram", "--spec", "ddr4-3200", "--pattern", "mix", "--requests", 2000, "--json")
    assert (ended.returncode, ended.stderr) == (0, "")
    result = json.loads(ended.stdout)
    assert set(KEYS) <= set(result)
    assert (result["requests"], result["reads"] + result["writes"]) == (2000, 2000)
    energy = result["energy_pj"]
    assert energy["total"] == pytest.approx(sum(value for name, value in energy.items() if name != "total"))
    assert set(energy) == {"activate", "read", "write", "refresh", "background", "compute", "total"}
    assert result["time_ns"] == pytest.approx(result["cycles"] * 0.625)
    assert 0 < result["bus_utilisation"] <= 1


def test_a_reference_run_through_the_command_line(process):
    """Ramulator 2.1, DDR4_3200AA, stream, 5000 requests: 32136 cycles."""
    options = ("--pattern", "stream", "--requests", 5000, "--controller", "ramulator2", "--json")
    ended = process("dram", "--spec", "DDR4_8Gb_x8/DDR4_3200AA", *options)
    assert json.loads(ended.stdout)["cycles"] == 32136


def test_text_says_the_same_as_json(bitline):
    text = bitline("dram", "--spec", "ddr4-3200", "--pattern", "stream", "--requests", 1000).out
    result = json.loads(bitline("dram", "--spec", "ddr4-3200", "--pattern", "stream", "--requests", 1000, "--json").out)
    lines = dict(line.split(None, 1) for line in text.splitlines() if not line.startswith("read latency"))
    assert lines["requests"] == "1,000 (1,000 reads, 0 writes)"
    assert f"{result['cycles']:,} clocks of 625 ps" in lines["time"]
    assert lines["rows"].startswith(f"{result['row_hits']:,} hits")
    assert f"{result['refreshes']} refreshes" in lines["commands"]


@pytest.mark.parametrize("pack", PACKERS.values(), ids=PACKERS)
@pytest.mark.parametrize("form", [RAMULATOR, DRAMSIM3], ids=["ramulator", "dramsim3"])
def test_every_form_and_packing_of_a_trace_gives_the_same_result(bitline, tmp_path, pack, form):
    (tmp_path / "plain").write_bytes(RAMULATOR)
    (tmp_path / "packed").write_bytes(pack(form))
    plain, packed = (bitline("dram", tmp_path / name, "--spec", "ddr4-3200", "--json") for name in ("plain", "packed"))
    assert (packed.status, packed.out) == (0, plain.out)


def test_cycles_of_a_trace_hold_requests_back(bitline, tmp_path):
    path = tmp_path / "late.trace"
    path.write_text("0x0 READ 0\n0x40 READ 90000\n")
    result = json.loads(bitline("dram", path, "--spec", "ddr4-3200", "--json").out)
    assert 90_000 < result["cycles"] < 90_100
    assert result["read_latency_mean_ck"] < 100


def test_a_trace_may_come_through_a_pipe(process):
    ended = process("dram", "/dev/stdin", "--spec", "ddr4-3200", "--json", input="LD 0x40\nST 0x80\n")
    assert json.loads(ended.stdout)["requests"] == 2


@pytest.mark.parametrize(
    ("part", "controller"),
    [("ddr4-3200", "frfcfs"), ("hbm2-2000", "dramsim3"), ("hbm3-6400", "frfcfs-per-bank"), ("lpddr5-6400", "frfcfs")],
)
def test_the_command_log_is_csv_that_the_checker_accepts(bitline, tmp_path, part, controller):
    path = tmp_path / "commands.csv"
    options = ("--spec", part, "--controller", controller, "--channels", 2, "--pattern", "random", "--requests", 3000)
    result = json.loads(bitline("dram", *options, "--commands", path, "--json").out)
    lines = path.read_text().splitlines()
    assert lines[0] == HEADER
    assert all(line.count(",") == 8 for line in lines)
    assert len(lines) - 1 == sum(result["commands"].values())
    cycles = [int(line.split(",")[0]) for line in lines[1:]]
    assert cycles == sorted(cycles)
    assert {line.split(",")[2] for line in lines[1:]} == {"0", "1"}
    assert Checker(part).check(read_commands(path), postponed=8).passed
    ended = bitline("check", path, "--spec", part, "--postponed", 8)
    assert ended.status == 0
    assert ended.out.startswith(f"{path}: pass: {len(lines) - 1} commands obey {part}")


def test_writing_a_log_changes_no_result(bitline, tmp_path):
    options = ("dram", "--spec", "gddr6-14", "--pattern", "mix", "--requests", 5000, "--json")
    assert bitline(*options).out == bitline(*options, "--commands", tmp_path / "c.csv").out


def test_the_same_command_line_gives_the_same_bytes(process, tmp_path):
    logs, outs = [], []
    for name in ("a", "b"):
        options = ("--pattern", "mix", "--requests", 2000, "--commands", tmp_path / name, "--json")
        outs.append(process("dram", "--spec", "hbm3-6400", *options).stdout)
        logs.append((tmp_path / name).read_bytes())
    assert (outs[0], logs[0]) == (outs[1], logs[1])


def test_options_reach_the_memory(bitline):
    def run(*options):
        base = ("dram", "--spec", "ddr4-3200", "--pattern", "stream", "--requests", 4000, "--json")
        return json.loads(bitline(*base, *options).out)

    plain = run()
    assert run("--channels", 4)["time_ns"] < plain["time_ns"]
    assert run("--mapping", "robabgraco")["cycles"] > plain["cycles"]
    assert run("--controller", "fcfs")["cycles"] >= plain["cycles"]
    assert run("--set", "timing_ck.tCL=30")["read_latency_mean_ck"] > plain["read_latency_mean_ck"]


def test_a_users_own_part_and_controller(bitline, tmp_path):
    (tmp_path / "slow.yaml").write_text("schema: 1\nbase: ddr4-3200\ntck_ps: 1250\n")
    (tmp_path / "tiny.yaml").write_text("schema: 1\nbase: frfcfs\npooled: {reads: 1}\n")
    options = ("--pattern", "random", "--requests", 1000, "--json")
    fast = json.loads(bitline("dram", "--spec", "ddr4-3200", *options).out)
    slow = json.loads(bitline("dram", "--spec", tmp_path / "slow.yaml", *options).out)
    assert slow["time_ns"] == pytest.approx(2 * fast["time_ns"])
    tiny = ("--controller", tmp_path / "tiny.yaml")
    assert json.loads(bitline("dram", "--spec", "ddr4-3200", *tiny, *options).out)["cycles"] > 2 * fast["cycles"]


def test_help_names_the_options(process):
    ended = process("dram", "--help")
    assert ended.returncode == 0
    for option in ("--spec", "--controller", "--mapping", "--channels", "--commands", "--json", "--pattern"):
        assert option in ended.stdout


def test_a_reader_that_closes_the_pipe_hears_no_complaint():
    code = "from bitline.sim.cli.main import main; main()"
    options = ("dram", "--spec", "ddr4-3200", "--pattern", "stream", "--requests", "100", "--json")
    started = subprocess.Popen(
        [sys.executable, "-c", code, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    started.stdout.close()
    _, said = started.communicate()
    assert said == ""
