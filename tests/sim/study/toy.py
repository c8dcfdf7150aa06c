"""A sweep of a toy that takes no time, as a script: `python toy.py FOLDER JOBS CONTEXTS [--die STEP | --break-worker]`.

Each run of a point is noted in calls.log before it starts. The environment says what goes wrong.
"""

import argparse
import os
import signal
import sqlite3
import sys
from pathlib import Path

from bitline.base.errors import BitlineError, CapacityError
from bitline.sim.run.result import Result
from bitline.sim.study import store, sweep
from bitline.sim.study.spec import make_study

SYSTEM = "schema: 1\nbase: pim-gpt\nmemory: {channels: 8}\n"
# Points of this context do not fit, as a real one might not.
TOO_LONG = 7


def result_of(point):
    """A result whose numbers are a function of the point alone."""
    channels = point.settings.get("memory.channels", 8)
    time_s = point.context * point.batch / channels / 3
    return Result(
        system=point.system,
        policy=point.policy or "own",
        workload={"model": point.model, "phase": point.phase},
        level=point.level,
        time_s=time_s,
        bound_time_s=time_s / 2,
        tokens=point.batch,
        tokens_per_s=point.batch / time_s,
        time_per_token_s=time_s,
        energy_j=time_s * 0.1,
        power_w=0.1,
        energy_parts_j={"activate": time_s * 0.1},
        bottleneck="pim bandwidth",
        traffic_bytes={"off_chip": 1.0},
        utilisation={"pim": 0.5},
        row_hit_rate=0.9,
        counts={"ACT": point.context},
        fast_forward={},
        operators=(),
        provenance={},
    )


def run(point):
    """The toy's runner: notes the call, then runs, fails, kills its worker or interrupts its parent."""
    with Path("calls.log").open("a") as log:
        log.write(f"{point.model} {point.context} {point.settings.get('memory.channels')}\n")
    if os.environ.get("TOY_TALKS"):
        print(point.context, flush=True)
    if str(point.context) == os.environ.get("TOY_BREAKS_WORKER"):
        os.kill(os.getpid(), signal.SIGKILL)
    if str(point.context) == os.environ.get("TOY_WAITS"):
        signal.pause()
    if point.context == TOO_LONG:
        raise CapacityError("7 tokens are too many", field="context", expected="any other number")
    return result_of(point)


def study_of(contexts, **axes):
    """Models x channels x contexts from 1."""
    settings = {"memory.channels": [8, 16]}
    values = {"models": ["gpt2", "gpt2-xl"], "settings": settings, "contexts": list(range(1, contexts + 1)), **axes}
    return make_study(system="toy.yaml", **values)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("jobs", type=int)
    parser.add_argument("contexts", type=int)
    parser.add_argument("--die", type=int, help="kill this process at that step of SQLite's machine while it writes")
    arguments = parser.parse_args()
    if arguments.die is not None:
        _die_while_writing(arguments.die)
    try:
        sweep(study_of(arguments.contexts), arguments.folder, runner=run, jobs=arguments.jobs)
    except BitlineError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def _die_while_writing(step):
    steps = iter(range(step))

    def count():
        if next(steps, None) is None:
            os.kill(os.getpid(), signal.SIGKILL)
        return 0

    connect = sqlite3.connect

    def connect_and_count(*args, **options):
        database = connect(*args, **options)
        database.set_progress_handler(count, 1)
        return database

    store.sqlite3.connect = connect_and_count


if __name__ == "__main__":
    sys.exit(main())
