"""`bitline show`: a trace, a result, a sweep or a document, whatever the name or file turns out to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bitline.base.document import read_yaml
from bitline.base.errors import SpecError, TraceError, did_you_mean
from bitline.sim.cli.catalogue import BY_NAME, all_names, is_file_name, kind_of_data, kinds_with
from bitline.sim.cli.document_summary import show_document
from bitline.sim.cli.options import json_option, print_json, print_table
from bitline.sim.cli.result_summary import print_result
from bitline.sim.cli.study_summary import Query, is_study_folder, show_study
from bitline.sim.cli.trace_summary import print_summary
from bitline.sim.run.result import Result
from bitline.sim.study import STORE_NAME, TABLE_NAME, grid_size, load_study, open_study
from bitline.traces import read_trace, summarise
from bitline.traces.strict_json import read_json

MAX_JSON_BYTES = 256 << 20
RESULT_NAME = "result.json"
EXPECTED = "a trace, result, sweep folder, or the name or file of a system, policy, spec, controller or model"


def _words(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    return tuple(filter(None, (word.strip() for word in (text or "").split(","))))


@click.command("show", short_help="Show a trace, result, study or spec.")
@click.argument("thing")
@click.option("--kind", type=click.Choice(list(BY_NAME)), help="What a name means, where it means several.")
@click.option("--point", type=click.IntRange(1), metavar="N", help="Of a sweep: the result of row N of its table.")
@click.option("--where", metavar="CONDITION", help="Of a sweep: points such as 'power_w < 300 and batch >= 4'.")
@click.option("--sort", metavar="COLUMNS", callback=_words, help="Of a sweep: by columns; -COLUMN: largest first.")
@click.option("--columns", metavar="COLUMNS", callback=_words, help="Of a sweep: these columns only.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Of a sweep: at most N points.")
@click.option("--sql", metavar="QUERY", help="Of a sweep: a SELECT over the table `points`.")
@click.option("--export", type=click.Path(path_type=Path), metavar="FILE", help="Of a sweep: to a .csv or .parquet.")
@json_option
def command(thing: str, kind: str | None, point: int | None, as_json: bool, **asked: Any) -> None:
    """Show THING with all its numbers.

    THING is a trace file, a result.json or its folder, the folder of a sweep, or the name or file of a system, policy,
    spec, controller or model: those with every field, its unit, and where it was written.
    """
    path = Path(thing)
    query = Query(**asked)
    if query.given:
        _show_picked(path, query, point, as_json)
    elif point is not None:
        if not is_study_folder(path):
            raise TraceError("is not the folder of a sweep", file=thing, expected=f"a folder with {STORE_NAME}")
        _show_result(open_study(path).result(point), as_json)
    elif kind is not None:
        show_document(BY_NAME[kind], thing, [], as_json)
    elif path.is_dir() and not kinds_with(thing):
        _show_folder(path, as_json)
    elif thing.startswith("hf:"):
        show_document(BY_NAME["model"], thing, [], as_json)
    elif is_file_name(thing) or path.is_file():
        _show_file(path, as_json)
    else:
        _show_name(thing, as_json)


def _show_picked(folder: Path, query: Query, point: int | None, as_json: bool) -> None:
    if point is not None or (query.sql is not None and (query.where or query.sort or query.columns)):
        raise click.UsageError("give one of --point, --sql, or --where, --sort and --columns")
    if not is_study_folder(folder):
        raise TraceError("is not the folder of a sweep", file=folder, expected=f"a folder with {STORE_NAME}")
    show_study(folder, as_json, query)


def _show_name(name: str, as_json: bool) -> None:
    kinds = kinds_with(name)
    if not kinds:
        raise SpecError(f"'{name}' is nothing that can be shown", expected=_hint(name))
    show_document(kinds[0], name, [kind.name for kind in kinds[1:]], as_json)


def _show_folder(folder: Path, as_json: bool) -> None:
    if is_study_folder(folder):
        show_study(folder, as_json)
    elif (folder / RESULT_NAME).is_file():
        _show_file(folder / RESULT_NAME, as_json)
    else:
        raise TraceError("holds nothing that can be shown", file=folder, expected=f"{RESULT_NAME} or {STORE_NAME}")


def _show_file(file: Path, as_json: bool) -> None:
    suffix = file.suffix.lower()
    if not file.is_file():
        raise TraceError("cannot be read (no such file)", file=file, expected=EXPECTED)
    if suffix in (".yaml", ".yml"):
        _show_yaml(file, as_json)
    elif suffix == ".json":
        _show_json(file, as_json)
    elif file.name in (STORE_NAME, TABLE_NAME):
        show_study(file.parent, as_json)
    elif suffix in (".parquet", ".csv"):
        _show_trace(file, as_json)
    else:
        raise TraceError("is nothing that can be shown", file=file, expected=EXPECTED)


def _show_yaml(file: Path, as_json: bool) -> None:
    data = read_yaml(file).data
    kind = kind_of_data(data)
    if kind is None and isinstance(data, dict) and isinstance(data.get("base"), str):
        # A few changes to a packaged document: it is of that document's kind.
        kind = next((found.name for found in kinds_with(data["base"])), None)
    if kind == "study":
        study = load_study(file)
        fields = study.model_dump(mode="json", by_alias=True)
        if as_json:
            print_json({"kind": "study", "points": grid_size(study), "document": fields})
        else:
            print_table(["field", "value"], [*((name, str(value)) for name, value in fields.items())])
            click.echo(f"\n{grid_size(study):,} points")
    elif kind is None:
        raise SpecError(
            "is no system, policy, spec, controller, model or study", file=file, expected=f"--kind {_kinds()}"
        )
    else:
        show_document(BY_NAME[kind], str(file), [], as_json)


def _show_json(file: Path, as_json: bool) -> None:
    data = read_json(file, MAX_JSON_BYTES, TraceError)
    fields: set[Any] = set(data) if isinstance(data, dict) else set()
    if {"operators", "phase"} <= fields:
        _show_trace(file, as_json)
    elif {"operators", "time_s"} <= fields:
        _show_result(Result.from_dict(data, file), as_json)
    elif {"model_type", "text_config"} & fields:
        show_document(BY_NAME["model"], str(file), [], as_json)
    else:
        raise TraceError("is no trace, result or model configuration", file=file, expected=EXPECTED)


def _show_trace(file: Path, as_json: bool) -> None:
    summary = summarise(read_trace(file))
    print_json(summary) if as_json else print_summary(summary)


def _show_result(result: Result, as_json: bool) -> None:
    print_json(result.to_dict()) if as_json else print_result(result)


def _hint(name: str) -> str:
    """The nearest name, or what there is to name."""
    hint = did_you_mean(name, all_names())
    return hint if hint.startswith("did") else f"{EXPECTED} (see bitline list)"


def _kinds() -> str:
    return "|".join(BY_NAME)
