"""The options that say what is run on a system, for every command that runs something."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from bitline.base.errors import SpecError
from bitline.sim.cli.options import settings_option

Function = TypeVar("Function", bound=Callable[..., Any])

WORK = ("model", "operator", "topology")

_OPTIONS = (
    click.option("--model", metavar="NAME", help="A model of `bitline list models`, or hf:CONFIG.json."),
    click.option("--operator", metavar="TEXT", help='One operator in place of a model: "matmul m=512 n=512 k=512".'),
    click.option("--topology", metavar="FILE", help="A SCALE-Sim topology (CSV of GEMMs or convolutions), on an NPU."),
    click.option("--phase", type=click.Choice(["decode", "generate", "prefill"]), default="decode", show_default=True),
    click.option("--batch", type=int, default=1, show_default=True, help="Requests."),
    click.option("--context", type=int, default=1024, show_default=True, help="Tokens, the new one included."),
    click.option("--prompt", type=int, help="generate: tokens of the prompt."),
    click.option("--tokens", type=int, help="generate: new tokens."),
    click.option("--lengths", metavar="NAME", help="Batches: contexts from sharegpt, alpaca, or a file of lengths."),
    click.option("--seed", type=int, default=0, show_default=True, help="Of the lengths drawn."),
    click.option("--tensor", type=int, help="Batches: devices that share each layer. Default: as published, else 1."),
    click.option("--pipeline", type=int, help="Batches: groups of devices that share out the layers."),
    click.option("--iterations", type=int, default=1, show_default=True, help="Batches: tokens of each request."),
    click.option("--dtype", metavar="NAME", help="Number format, where the hardware has several."),
    click.option("--policy", metavar="NAME", help="Default: the system's."),
    settings_option,
    click.option("--level", type=click.Choice(["cycle", "bound"]), default="cycle", show_default=True),
)


def run_options(function: Function) -> Function:
    """The options of a run, in the order in which help shows them."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def check_work(asked: dict[str, Any], command: str) -> None:
    """Refuse a run of nothing, and of several things. Raises SpecError."""
    named = [name for name in WORK if asked[name] is not None]
    if len(named) != 1:
        raise SpecError(
            "nothing to run" if not named else f"--{' and --'.join(named)} are given",
            file=command,
            expected="one of --model, --operator and --topology",
        )
