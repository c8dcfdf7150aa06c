"""`python -m benchmarks.reliability [--markdown FILE] [--quick|--night] [--seed N]`: count, print, write the page.

Exit status 1 when a figure that was tried is not met.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.reliability import bad_input, closed_forms, fast_forward, limits, repeats, timing, tokens
from benchmarks.reliability.finding import SCALES, Finding, Scale
from benchmarks.reliability.page import page
from bitline.base.files import write_atomically

CHECKS: dict[str, Callable[[Scale, int], Iterator[Finding]]] = {
    "timing": timing.check,
    "tokens": tokens.check,
    "closed forms": closed_forms.check,
    "fast-forward": fast_forward.check,
    "repeats": repeats.check,
    "bad input": bad_input.check,
    "limits": limits.check,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description="Count what holds.")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page")
    parser.add_argument("--seed", type=int, default=1, help="of everything random (default: 1)")
    parser.add_argument("--only", choices=CHECKS, action="append", help="run some checks")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", dest="scale", action="store_const", const="quick", help="a minute's work in seconds")
    size.add_argument("--night", dest="scale", action="store_const", const="night", help="the figures of a night")
    options = parser.parse_args()
    scale = SCALES[options.scale or "default"]
    findings = []
    for name in options.only or CHECKS:
        began = time.perf_counter()
        for finding in CHECKS[name](scale, options.seed):
            findings.append(finding)
            mark = {None: "-", True: "yes", False: "NO"}[finding.met]
            print(f"{mark:<4}{finding.topic}: {finding.property}: {finding.found}. {finding.note}", flush=True)
        print(f"    ({name}: {time.perf_counter() - began:.0f} s)", file=sys.stderr, flush=True)
    if options.markdown:
        write_atomically(options.markdown, page(findings, scale, options.seed).encode())
    return int(any(finding.met is False for finding in findings))


if __name__ == "__main__":
    raise SystemExit(main())
