"""`bitline compare`: two results, or two systems that are run first, side by side."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bitline.base.errors import OutputError, SpecError
from bitline.sim.cli.options import json_option, print_json
from bitline.sim.cli.run_options import WORK, check_work, run_options

if TYPE_CHECKING:
    from bitline.sim.compare import Comparison
    from bitline.sim.run.result import Result

_EXPECTED = "a result.json, the folder of a run, STUDY:POINT, or a system"


@click.command("compare", short_help="Hold two results or systems side by side.")
@click.argument("a")
@click.argument("b")
@run_options
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="FIGURE", help="Draw it: a .png, .svg or .pdf."
)
@click.option("--size", type=click.Choice(["column", "page", "slide"]), default="column", show_default=True)
@json_option
@click.pass_context
def command(
    click_context: click.Context, /, a: str, b: str, output: Path | None, size: str, as_json: bool, **options: Any
) -> None:
    """Hold B against A: what differs in workload and hardware, and in time, energy and traffic, by operator.

    A and B: a result.json, the folder of a run, a point of a sweep (STUDY:12), or a system. Systems are run with the
    options; one that needs options of its own is quoted: bitline compare pim-gpt "pim-gpt --set memory.channels=16"
    --model gpt2.
    """
    from bitline.sim.compare import compare
    from bitline.sim.compare.results import found_result

    if output is not None:
        from bitline.plots.style import check_figure_path

        check_figure_path(output)
        if not output.parent.is_dir():
            raise OutputError("there is no such folder", file=output.parent)  # said before anything is run
    given = {name for name in options if click_context.get_parameter_source(name) == ParameterSource.COMMANDLINE}
    results = [found_result(side) for side in (a, b)]
    if given and None not in results:
        raise SpecError("says nothing where nothing is run", file=f"--{sorted(given)[0].replace('settings', 'set')}")
    first, second = (_run(side, options) if result is None else result for side, result in zip((a, b), results))
    found = compare(first, second, names=(a, b) if a != b else (f"{a} (A)", f"{b} (B)"))
    if output is not None:
        _draw(found, output, size, quiet=as_json)
    if as_json:
        print_json(found.to_dict())
        return
    from bitline.sim.cli.compare_summary import print_comparison

    print_comparison(found)


def _run(side: str, shared: dict[str, Any]) -> Result:
    """Run a system, with the options that stand behind its name over those of the command line."""
    from bitline.sim.run.run import run

    try:
        words = shlex.split(side)
    except ValueError as error:
        raise SpecError(f"'{side[:60]}' cannot be read ({error})", expected=_EXPECTED) from None
    if not words or words[0].startswith("-"):
        raise SpecError(f"'{side[:60]}' names no system", expected=_EXPECTED)
    options = _merged(words[0], words[1:], shared)
    check_work({name: options[name] for name in WORK}, f"bitline compare {words[0]}")
    return run(words[0], **options)


def _merged(system: str, words: list[str], shared: dict[str, Any]) -> dict[str, Any]:
    parser = run_options(click.Command(system))
    with parser.make_context(system, words) as context:
        own = {
            name: value
            for name, value in context.params.items()
            if context.get_parameter_source(name) == ParameterSource.COMMANDLINE
        }
    settings = {**shared["settings"], **own.pop("settings", {})}
    return {**shared, **own, "settings": settings}


def _draw(found: Comparison, output: Path, size: str, *, quiet: bool) -> None:
    from bitline.plots.compare import compare_table, plot_compare
    from bitline.plots.style import figure_of
    from bitline.plots.table import save_with_data

    table = compare_table(found)
    for path in save_with_data(figure_of(plot_compare(table, size=size)), table, output):
        click.echo(f"wrote {path}", err=quiet)
