"""A sweep with a screen: what was looked at by formula stands beside what was simulated."""

import json

from bitline.sim.study import make_study, read_table, sweep


def test_a_sweep_simulates_what_the_screen_leaves_and_says_so(tmp_path):
    study = make_study(
        system="pim-gpt",
        models=["gpt2"],
        contexts=[64],
        settings={"memory.channels": [4, 8], "asic.adders": [16, 256], "asic.multipliers": [16, 128]},
        derived={"cost": "memory.channels * 100 + asic.adders + 3 * asic.multipliers"},
        objectives={"time_per_token_s": "min", "cost": "min"},
        screen={"keep": 4, "margin": "5%", "check": 2},
    )
    summary = sweep(study, tmp_path)
    report = json.loads((tmp_path / "screen.json").read_text())
    assert summary.points == report["kept"] + report["checked"] == report["quality"]["simulated"] == 6
    looked_at, simulated = read_table(tmp_path / "screen.csv"), read_table(tmp_path / "table.csv")
    assert (len(looked_at), len(simulated)) == (8, 6)
    paths = ("memory.channels", "asic.adders", "asic.multipliers")
    bounds = {tuple(row[path] for path in paths): row for row in looked_at}
    for row in simulated:
        bound = bounds[tuple(row[path] for path in paths)]
        assert bound["time_per_token_s"] <= row["time_per_token_s"]
        assert bound["simulated"] in ("kept", "check")
    # The same again runs nothing, and says the same.
    again = sweep(study, tmp_path)
    assert (again.ran, json.loads((tmp_path / "screen.json").read_text())) == (0, report)
