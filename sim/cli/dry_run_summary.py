"""What `bitline sweep --dry-run` prints."""

from __future__ import annotations

import click

from bitline.sim.cli.options import print_json
from bitline.sim.study.dry_run import DryRun
from bitline.sim.study.grid import Size


def print_dry_run(found: DryRun, as_json: bool) -> None:
    """Size, time and first point of a study that was not run."""
    if as_json:
        print_json(found.to_dict())
        return
    click.echo(f"points  {Size(found.points, found.exact)}")
    click.echo(f"time    {_time(found)}")
    click.echo(f"first   {found.first.command()}")
    for path, value in sorted(found.first.settings.items()):
        click.echo(f"        {path} = {value}")


def _time(found: DryRun) -> str:
    if found.expected_s is None:
        return f"unknown: the point that was tried failed ({found.error})"
    about = "about" if found.within_patience else "more than"
    workers = "1 process" if found.jobs == 1 else f"{found.jobs} processes"
    took = f"{found.point_s:.3g} s" if found.within_patience else f"more than {found.point_s:.3g} s"
    which = "the first" if found.timed == found.first else "one from the middle"
    return f"{about} {duration(found.expected_s)} in {workers}, if all points are like {which}, which took {took}"


def duration(seconds: float) -> str:
    """Seconds in the unit that a person would say."""
    for size, unit in ((86400 * 365, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"
