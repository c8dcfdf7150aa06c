"""A model over several devices: tensor parallel (each layer cut) and pipeline parallel (layers dealt out).

Tensor parallel after Megatron-LM (Shoeybi et al. 2019, section 3): a device has heads / T, columns of QKV and of the
network's first matrix, rows of the output projection and of its last; vocabulary rows / T of embedding and head, padded
up. Norms, router and latent projections are on every device. KV heads fewer than T are held more than once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import gcd
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field

from bitline.arch.link.bound import LinkSpec, all_gather_s, all_reduce_s
from bitline.base.document import Document, check, read_yaml
from bitline.base.errors import SpecError
from bitline.sim.schedule.layer_parts import Place
from bitline.traces import ModelSpec, Trace
from bitline.traces.dtypes import DType, size_bytes
from bitline.traces.trace import fold

DEFAULTS = Path(__file__).parent / "splits.yaml"

Degree = Annotated[int, Field(ge=1, le=1 << 12)]


class Split(Document):
    """Devices of one copy of a model."""

    tensor: Degree = Field(1, description="devices that share each layer")
    pipeline: Degree = Field(1, description="groups of them that share out the layers")

    @property
    def devices(self) -> int:
        """All of them."""
        return self.tensor * self.pipeline


class SplitTable(Document):
    """The splits that models are run with where none is asked for."""

    schema_: Literal[1] = Field(alias="schema")
    source: str
    models: dict[str, Split]


def default_split(model: str) -> Split:
    """The split of a model in the table; one device for those that are not in it."""
    return check(read_yaml(DEFAULTS), SplitTable).models.get(model, Split(tensor=1, pipeline=1))


# --- one device's share ---


def check_split(spec: ModelSpec, split: Split) -> None:
    """Raise SpecError, with what would do, where a model cannot be split so."""
    _check_tensor(spec, split.tensor)
    _check_divides("pipeline", split.pipeline, {"layers": spec.layers})


def shard_model(spec: ModelSpec, tensor: int) -> ModelSpec:
    """The share of one of `tensor` devices, as a model: its traces have the shapes that the device sees.

    Raises SpecError, with what would do, where heads or widths do not divide.
    """
    if tensor == 1:
        return spec
    _check_tensor(spec, tensor)
    share: dict[str, Any] = {
        "heads": spec.heads // tensor,
        "kv_heads": max(1, spec.kv_heads // tensor),
        "ffn": max(1, spec.ffn // tensor),
        "vocab": -(-spec.vocab // tensor),
    }
    if spec.moe:
        share["moe"] = spec.moe.model_copy(update={"ffn": spec.moe.ffn // tensor})
    return spec.model_copy(update=share)


def _check_tensor(spec: ModelSpec, tensor: int) -> None:
    cut = {"heads": spec.heads}
    if spec.moe is None or spec.moe.first_dense_layers:
        cut["ffn"] = spec.ffn
    if spec.moe:
        cut["moe.ffn"] = spec.moe.ffn
    _check_divides("tensor", tensor, cut)
    if _uneven(spec.kv_heads, tensor):
        fine = [n for n in range(1, spec.heads + 1) if not (spec.heads % n or _uneven(spec.kv_heads, n))]
        problem = f"{spec.kv_heads} KV heads do not go over {tensor} devices"
        raise SpecError(problem, field="tensor", expected=f"one of {_listed(fine)}")


def _uneven(kv_heads: int, tensor: int) -> bool:
    """Do devices hold different numbers of KV heads?"""
    return max(kv_heads, tensor) % min(kv_heads, tensor) > 0


def _check_divides(field: str, degree: int, sizes: dict[str, int]) -> None:
    wrong = [f"{name} {size}" for name, size in sizes.items() if size % degree]
    if wrong:
        most = gcd(*sizes.values())
        fine = [n for n in range(1, most + 1) if most % n == 0]
        raise SpecError(
            f"{degree} does not divide {' and '.join(wrong)}", field=field, expected=f"one of {_listed(fine)}"
        )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:12])) + (", ..." if len(numbers) > 12 else "")


def pipeline_stage(trace: Trace, pipeline: int, stage: int) -> Trace:
    """The operators of one stage of a trace: its layers, the embedding with the first, the head with the last.

    Dependencies of -1 in the first layer of a later stage are on what the stage before sends. Raises SpecError.
    """
    if pipeline == 1:
        return trace
    layers = sum(block.repeats * block.layers for block in trace.blocks)
    _check_divides("pipeline", pipeline, {"layers": layers})
    if not 0 <= stage < pipeline:
        raise SpecError(f"is {stage}", field="stage", expected=f"0 to {pipeline - 1}")
    each = layers // pipeline
    rows = trace.operators()
    inside = [operator.id for operator in rows if operator.layer >= 0]
    first_layer = rows[inside[0]].layer + stage * each
    mine = [operator.id for operator in rows if first_layer <= operator.layer < first_layer + each]
    start = mine[0] if stage else 0
    end = mine[-1] + 1 if stage < pipeline - 1 else len(rows)
    return replace(trace, blocks=fold(operator.moved(-start, 0) for operator in rows[start:end]))


# --- what the devices tell each other ---


class Collective(NamedTuple):
    """An exchange among the devices of a tensor-parallel group."""

    kind: Literal["all_reduce", "all_gather"]
    name: str
    """Whose results are exchanged."""
    place: Place
    """The part of a layer, or of the model, in which it comes."""
    bytes: int
    """S: the whole buffer."""

    def time_s(self, link: LinkSpec, ranks: int) -> float:
        """In a ring of `ranks` devices."""
        return (all_reduce_s if self.kind == "all_reduce" else all_gather_s)(link, ranks, self.bytes)


def collectives(spec: ModelSpec, tensor: int, tokens: int, dtype: DType) -> tuple[Collective, ...]:
    """The exchanges of one pass of `tokens` rows: those of place `after` come in each layer. `spec` is the whole model.

    A layer adds up what its devices made after the output projection and after the network; where both stand side by
    side in the model, once for both. Logits are gathered, with the rows that pad the vocabulary.
    """
    if tensor == 1:
        return ()
    stream = size_bytes(tokens * spec.hidden, dtype)
    sums = ("residual",) if spec.layer_form.startswith("parallel") else ("attention.output", "ffn")
    vocabulary = -(-spec.vocab // tensor) * tensor
    return (
        Collective("all_reduce", "embedding", "entry", size_bytes(tokens * spec.embedding_dim, dtype)),
        *(Collective("all_reduce", name, "after", stream) for name in sums),
        Collective("all_gather", "head", "exit", size_bytes(tokens * vocabulary, dtype)),
    )


def stage_bytes(spec: ModelSpec, tokens: int, dtype: DType) -> int:
    """What a pipeline stage sends to the next: the residual stream."""
    return size_bytes(tokens * spec.hidden, dtype)


def pipeline_round_s(stages_s: Sequence[float], sends_s: Sequence[float] = ()) -> float:
    """Seconds in which every request of a batch gets one token, the batch cut in as many micro-batches as stages.

    `stages_s`: each stage on one micro-batch; `sends_s`: from each stage to the next, the last one's (token ids) to the
    first. In steady state each stage works on another micro-batch. With P of both, a round takes

        max(P x slowest stage, sum of stages and sends)

    what the slowest stage needs for all P, or one micro-batch to come around. For alike stages that send in no time it
    is P x stage: throughput = batch / (P x stage time of a micro-batch).
    """
    return max(len(stages_s) * max(stages_s), sum(stages_s) + sum(sends_s))
