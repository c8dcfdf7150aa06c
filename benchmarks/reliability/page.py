"""The reliability page: one table a topic, with what was asked, what was found, and how to get it again."""

import csv
import itertools
from collections.abc import Sequence
from pathlib import Path

from benchmarks.reliability.finding import Finding, Scale

SANITIZERS = Path(__file__).parent.parent / "sanitizers.csv"

HEAD = """\
# Reliability

What is promised, what figure is asked for, and what was counted. This page is written by

    python -m benchmarks.reliability --markdown docs/reliability.md{options}

(`make reliability`), seed {seed}. The same seed gives the same streams, programs, mutants and wrong files; `--seed N`
gives others, `--night` many more, `--only NAME` one group. A dash in the last column: a count without a figure to
reach, or a run too short to say.
"""

SANITIZED = """
## Memory safety

`make sanitize` builds all cores in a copy of the tree and runs the tests of `csrc` and `arch` over them: once with the
address and undefined-behaviour sanitizers (every report counts, alignment left out), once with every memoryview access
checked. The last runs:

| build | date | compiler | tests passed | failed | reports |
|---|---|---|--:|--:|--:|
"""

NOT_RUN = """
## Not counted here

- 10^9 commands, 10^4 streams a part, 10^5 programs and 10^6 wrong files: figures of a night (`--night`).
- ONNX, Chakra, SASS and SSD traces: there is no reader of them yet.
- A second compiler, and `-O0` against `-O3`.
- Ends of a sweep by `kill -9`, a full disk and failing writes: `tests/sim/study`.
- Branch coverage and mutation scores of the Python code.
"""


def page(findings: Sequence[Finding], scale: Scale, seed: int) -> str:
    flag = "" if scale.name == "default" else f" --{scale.name}"
    option = "" if seed == 1 else f" --seed {seed}"
    parts = [HEAD.format(options=flag + option, seed=seed)]
    ordered = sorted(findings, key=lambda finding: [one.topic for one in findings].index(finding.topic))
    for topic, group in itertools.groupby(ordered, key=lambda finding: finding.topic):
        parts.append(f"\n## {topic[0].upper()}{topic[1:]}\n\n| property | asked | reached | met |\n|---|---|---|---|\n")
        of_topic = list(group)
        parts += [f"| {one.property} | {one.asked} | {one.found} | {met(one)} |\n" for one in of_topic]
        parts += [f"\n{one.note}\n" for one in of_topic if one.note]
    parts.append(SANITIZED)
    if SANITIZERS.exists():
        with SANITIZERS.open(newline="") as stream:
            rows = list(csv.DictReader(stream))
        parts += ["| " + " | ".join(row.values()) + " |\n" for row in rows]
    parts.append(NOT_RUN)
    return "".join(parts)


def met(finding: Finding) -> str:
    return {None: "–", True: "yes", False: "**no**"}[finding.met]
