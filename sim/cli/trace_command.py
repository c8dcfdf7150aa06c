"""`bitline trace`: a model as a table of operators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bitline.sim.cli.options import json_option, print_json, settings_option
from bitline.sim.cli.trace_summary import parameters_of, print_summary
from bitline.traces import DTYPES, build_trace, load_model, summarise

DEFAULT_CONTEXT = 1024


@click.command("trace", short_help="Turn a model into an operator trace.")
@click.argument("model", metavar="MODEL|hf:CONFIG.json")
@click.option("--phase", default="decode", show_default=True, metavar="PHASE", help="prefill or decode.")
@click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Requests.")
@click.option("--context", type=click.IntRange(1), help=f"decode: tokens attended to (default: {DEFAULT_CONTEXT}).")
@click.option("--prompt", type=click.IntRange(1), help=f"prefill: tokens of each prompt (default: {DEFAULT_CONTEXT}).")
@click.option("--dtype", default="bf16", show_default=True, metavar="TYPE", help=f"Activations: {', '.join(DTYPES)}.")
@click.option("--weight-dtype", metavar="TYPE", help="Weights (default: as --dtype).")
@click.option("--kv-dtype", metavar="TYPE", help="KV cache (default: as --dtype).")
@click.option("--attention", default="split", show_default=True, metavar="FORM", help="split or fused.")
@click.option("--no-limit", is_flag=True, help="Allow contexts beyond the model's positions.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="A .parquet, .json or .csv file.")
@settings_option
@json_option
def command(
    model: str,
    phase: str,
    batch: int,
    context: int | None,
    prompt: int | None,
    dtype: str,
    weight_dtype: str | None,
    kv_dtype: str | None,
    attention: str,
    no_limit: bool,
    output: Path | None,
    settings: dict[str, Any],
    as_json: bool,
) -> None:
    """Turn MODEL into the operators of one pass, print what they add up to, and write them to FILE.

    MODEL is a name of `bitline list models`, a YAML file with `base:` and fields of a model, or a Hugging Face
    configuration.
    """
    if prompt is not None and phase != "prefill":
        raise click.UsageError("--prompt goes with --phase prefill; decode has --context")
    if prompt is not None and context is not None:
        raise click.UsageError("give either --prompt or --context")
    spec = load_model(model, settings)
    trace = build_trace(
        spec,
        phase,
        batch,
        prompt or context or DEFAULT_CONTEXT,
        dtype=dtype,
        weight_dtype=weight_dtype,
        kv_dtype=kv_dtype,
        attention=attention,
        check_limit=not no_limit,
    )
    if output is not None:
        trace.write(output)
    summary = {**summarise(trace), **parameters_of(spec)}
    if as_json:
        print_json(summary)
        return
    print_summary(summary)
    if output is not None:
        click.echo(f"\nwritten to {output}")
