"""`bitline report`: a study or a run as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

from bitline.base.errors import OutputError, TraceError

RESULT_NAME = "result.json"
ENDINGS = (".html", ".htm")


@click.command("report", short_help="Turn a study or a result into one HTML page.")
@click.argument("results", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
    metavar="FILE",
    help="The page.",
)
@click.option(
    "--points", type=click.IntRange(1, 100_000), default=5000, show_default=True, help="Points of a study to keep."
)
def command(results: Path, output: Path, points: int) -> None:
    """Turn RESULTS, the folder of a sweep or a run, or a result.json, into a page that needs no network.

    The page of a study holds what it found in words, its points to sort, filter and click, and how to get each again.
    Of more than --points, those of the fronts and the best are kept.
    """
    from bitline.base.files import write_atomically

    if output.suffix.lower() not in ENDINGS:
        raise OutputError(f"cannot be a page with the ending '{output.suffix}'", file=output, expected="a .html file")
    page, kind = _page(results, points)
    write_atomically(output, page)
    click.echo(f"wrote {output} ({kind}, {len(page) / 1e6:.2f} MB)")


def _page(results: Path, points: int) -> tuple[bytes, str]:
    """The page, and what it is of."""
    from bitline.sim.cli.study_summary import is_study_folder

    if results.is_dir() and is_study_folder(results):
        from bitline.plots.report.study_page import study_page
        from bitline.sim.study.record import open_record

        with open_record(results) as record:
            return study_page(record, points), f"{min(points, len(record.rows)):,} points"
    file = results / RESULT_NAME if results.is_dir() else results
    if not file.is_file():
        problem = "holds nothing to report" if results.is_dir() else "is not there"
        raise TraceError(problem, file=results, expected=f"the folder of a sweep or a run, or a {RESULT_NAME}")
    from bitline.plots.report.run_page import run_page
    from bitline.sim.run.result_file import read_result

    return run_page(read_result(file).to_dict()), "one run"
