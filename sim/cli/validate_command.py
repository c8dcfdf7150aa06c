"""`bitline validate`: published, measured and peers' numbers against ours."""

from __future__ import annotations

from pathlib import Path

import click

from bitline.base.files import write_atomically
from bitline.sim.cli.options import json_option, print_json, print_table
from bitline.sim.cli.progress import track
from bitline.sim.validate.markdown import validation_page
from bitline.sim.validate.rows import write_rows
from bitline.sim.validate.suites import read_references, run_references, suite_references


@click.command("validate", short_help="Hold the simulator against numbers that it did not make.")
@click.argument("names", nargs=-1)
@click.option("--reference", "reference_file", type=click.Path(path_type=Path), help="A CSV file of references.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path), help="Write the rows as CSV.")
@click.option("--markdown", "markdown_file", type=click.Path(path_type=Path), help="Write the rows as a page.")
@click.option("--failures", is_flag=True, help="Print only rows that miss their tolerance.")
@json_option
def command(
    names: tuple[str, ...],
    reference_file: Path | None,
    csv_file: Path | None,
    markdown_file: Path | None,
    failures: bool,
    as_json: bool,
) -> int:
    """Run the validations called NAMES (all, if none is given) and print each number beside its reference.

    Exit status 1 when a row misses its tolerance.
    """
    references = read_references(reference_file) if reference_file else suite_references(names)
    rows = list(track(run_references(references), len(references), "validating"))
    if csv_file:
        write_atomically(csv_file, write_rows(rows).encode())
    if markdown_file:
        write_atomically(markdown_file, validation_page(rows).encode())
    if as_json:
        print_json([row.cells() for row in rows])
    else:
        shown = [row for row in rows if not (failures and row.passed)]
        cells = [row.cells() for row in shown]
        print_table(
            ("name", "metric", "origin", "reference", "simulated", "error %", "allowed %", "pass"),
            [
                (
                    cell["name"],
                    cell["metric"],
                    cell["origin"],
                    cell["reference"],
                    cell["simulated"],
                    f"{cell['error_pct']:+.3f}",
                    cell["tolerance_pct"],
                    cell["pass"],
                )
                for cell in cells
            ],
        )
        missed = sum(not row.passed for row in rows)
        click.echo(f"{len(rows) - missed} of {len(rows)} rows within their tolerance")
    return int(any(not row.passed for row in rows))
