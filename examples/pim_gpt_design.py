"""The study of pim_gpt_design.yaml from Python: its front, which parameter matters, and what changed for the best.

    python examples/pim_gpt_design.py [--quick] [FOLDER]

Run again with the same FOLDER, it goes on where it was. `--quick` runs 6 of the 64 points.
"""

import argparse
import tempfile
from pathlib import Path

import bitline
from bitline.base.document import read_yaml
from bitline.sim.study import TABLE_NAME, load_study, make_study, read_table

STUDY = Path(__file__).with_suffix(".yaml")
PARAMETERS = ("memory.channels", "memory.pim.lanes_per_bank", "memory.pim.global_buffer_bytes")
PUBLISHED = (8, 16, 2048)  # PIM-GPT's own values of them
GOALS = ("time_per_token_s", "energy_j")
QUICK = {"memory.channels": [8, 16], "memory.pim.lanes_per_bank": [8, 16, 32], "memory.pim.global_buffer_bytes": [2048]}


def study_of(quick):
    """The study of the file; the same with fewer values where there is no time."""
    if not quick:
        return load_study(STUDY)
    fields = read_yaml(STUDY).data
    fields["settings"] |= QUICK
    return make_study(**{name: value for name, value in fields.items() if name != "schema"})


def front(rows):
    """Rows that no other row beats in every goal, fastest first."""

    def beaten(row):
        return any(all(other[goal] <= row[goal] for goal in GOALS) and other is not row for other in rows)

    return sorted((row for row in rows if not beaten(row)), key=lambda row: row["time_per_token_s"])


def values(row):
    """What was chosen for a row."""
    return tuple(row[name] for name in PARAMETERS)


def swings(rows):
    """For each parameter the longest time over the shortest, all others as published."""
    found = {}
    for place, name in enumerate(PARAMETERS):
        times = {
            row[name]: row["time_per_token_s"]
            for row in rows
            if all(values(row)[other] == PUBLISHED[other] for other in range(len(PARAMETERS)) if other != place)
        }
        found[name] = max(times.values()) / min(times.values())
    return found


def settings_of(row):
    """The settings that give a row again."""
    return {name: value for name, value in row.items() if name.startswith("memory.")}


def main():
    """Run and print everything."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("folder", nargs="?", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.folder or Path(scratch)
        summary = bitline.sweep(study_of(chosen.quick), folder)
        rows = read_table(folder / TABLE_NAME)
    print(f"{summary.points} points, {summary.ran} of them run now\n")

    print("Nothing is better in both time and energy than:")
    for row in front(rows):
        channels, lanes, buffer_bytes = values(row)
        us, mj = row["time_per_token_s"] * 1e6, row["energy_j"] * 1e3
        design = f"{channels:3} channels, {lanes:2} lanes, {buffer_bytes:4} B buffer"
        print(f"  {design}: {us:6.1f} us and {mj:.2f} mJ a token, held back by {row['bottleneck']}")

    print("\nFrom the slowest to the fastest value of a parameter, the others as published:")
    for name, swing in sorted(swings(rows).items(), key=lambda item: -item[1]):
        print(f"  {name}: {swing:.2f} x")

    published = next(row for row in rows if values(row) == PUBLISHED)
    fastest = min(rows, key=lambda row: row["time_per_token_s"])
    runs = [
        bitline.run("pim-gpt", model=row["model"], context=row["context"], settings=settings_of(row))
        for row in (published, fastest)
    ]
    compared = bitline.compare(*runs, names=("published", "fastest"))
    print("\nFrom the published design to the fastest:")
    for change in compared.configuration:
        print(f"  {change.path}: {change.a} -> {change.b}")
    for pair in sorted(compared.operators, key=lambda pair: pair.time_difference_s)[:3]:
        print(f"  {pair.name}: {pair.time_difference_s * 1e6:+.1f} us")


if __name__ == "__main__":
    main()
