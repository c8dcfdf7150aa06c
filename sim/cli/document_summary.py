"""A system, policy, spec, controller or model in full: every field with its unit and where it was written."""

from __future__ import annotations

from typing import Any

import click
import pydantic

from bitline.arch.dram.part import PartSpec
from bitline.sim.cli.catalogue import Kind
from bitline.sim.cli.fields import Row, field_rows, text_of, unit_of
from bitline.sim.cli.options import print_json, print_table
from bitline.sim.cli.trace_summary import parameters_of
from bitline.traces import ModelSpec

# Longer texts, sources mostly, stand above the table.
MAX_CELL_CHARS = 40


def show_document(kind: Kind, name: str, also: list[str], as_json: bool) -> None:
    """Print the document of that name or file. `also`: other kinds that have the name. Raises SpecError."""
    document, source = kind.load(name)
    rows = field_rows(document, source) + _derived(document)
    if as_json:
        data = document.model_dump(mode="json", by_alias=True)
        print_json({"kind": kind.name, "name": name, "file": source.file, "document": data, "fields": rows})
        return
    click.echo(f"{kind.title} {name} ({source.file})\n")
    texts = [row for row in rows if len(text_of(row["value"])) > MAX_CELL_CHARS]
    for row in texts:
        click.echo(f"{row['field']}: {row['value']}")
    if texts:
        click.echo()
        rows = [row for row in rows if row not in texts]
    meant = any(row["meaning"] for row in rows)
    headings = ["field", "value", "unit", "from", *(["meaning"] if meant else [])]
    print_table(headings, [[text_of(row[name]) for name in headings] for row in rows])
    for other in also:
        click.echo(f"\nalso a {other}: bitline show {name} --kind {other}")


def _derived(document: pydantic.BaseModel) -> list[Row]:
    """What follows from the fields, in the same form."""
    values: dict[tuple[str, ...], tuple[Any, str]] = {}
    if isinstance(document, PartSpec):
        values[("clock_ps",)] = (float(document.clock_ps), "length of a clock")
        values[("peak_bandwidth_gb_s",)] = (document.peak_bandwidth_gb_s, "of one channel")
        values[("channel_bytes",)] = (document.organisation.channel_bytes, "capacity of one channel")
        values[("row_bytes",)] = (document.organisation.row_bytes, "one row of one bank")
        derived = {name: value for name, value in document.timing.items() if name not in document.timing_ck}
        values |= {("timing_ck", name): (value, "from the standard") for name, value in derived.items()}
    elif isinstance(document, ModelSpec):
        values = {(name,): (value, "") for name, value in parameters_of(document).items() if value is not None}
        values[("kv_elements_per_token",)] = (document.kv_elements_per_token, "all layers together")
    return [
        {"field": ".".join(path), "value": value, "unit": unit_of(path), "from": "derived", "meaning": meaning}
        for path, (value, meaning) in values.items()
    ]
