"""Items 4 and 5: closed forms of every part, and other simulators' runs, as `bitline validate dram` has them."""

from collections.abc import Iterator

from benchmarks.reliability.finding import Finding, Scale
from bitline.sim.validate.suites import run_references, suite_references


def check(scale: Scale, _seed: int) -> Iterator[Finding]:
    references = suite_references(("dram",))
    if scale.name == "quick":
        references = [one for one in references if one.origin == "closed form"][:4]
    rows = list(run_references(references))
    formulas = [row for row in rows if row.reference.origin == "closed form"]
    exact = sum(row.simulated == row.reference.reference for row in formulas)
    yield Finding(
        "closed forms",
        "lone read and burst spacing of every part equal their formulas",
        "exactly, every part",
        f"{exact} of {len(formulas)} rows exact",
        exact == len(formulas),
    )
    peers = [row for row in rows if row.reference.origin != "closed form"]
    if peers:
        within = sum(row.passed for row in peers)
        worst = max(abs(row.error_pct) for row in peers)
        equal = sum(row.simulated == row.reference.reference for row in peers)
        yield Finding(
            "peers",
            "runs of Ramulator 2.1 and DRAMsim3 are met",
            "cycles 1%, latency 2%, counts 1%",
            f"{within} of {len(peers)} rows within, {equal} equal, worst {worst:.3f}%",
            within == len(peers),
            "Differences: [deviations](deviations.md).",
        )
