"""What a trace is built for: a model, a phase, requests with their contexts, number formats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from bitline.base.errors import CapacityError, SpecError
from bitline.traces.dtypes import DType, accumulator_dtype
from bitline.traces.models.spec import ModelSpec
from bitline.traces.trace import AttentionForm

BuiltPhase = Literal["decode", "prefill"]

MAX_REQUESTS = 1 << 20
MAX_CONTEXT = 1 << 30


class Span(NamedTuple):
    """What attention touches in one layer, all requests together."""

    contexts: tuple[int, ...]
    """Keys a request, one element where all are alike."""
    keys: int
    pairs: int
    """(query, key) pairs that are not masked."""
    window: int
    """0 where the window is longer than every context."""

    @property
    def longest(self) -> int:
        """The longest context."""
        return max(self.contexts)


@dataclass(frozen=True, slots=True)
class Workload:
    """A pass over a model. Decode: one new token a request; prefill: `contexts` tokens a request, none before them."""

    spec: ModelSpec
    phase: BuiltPhase
    contexts: tuple[int, ...]
    batch: int
    dtype: DType
    weight_dtype: DType
    kv_dtype: DType
    attention: AttentionForm
    expert_load: tuple[int, ...]

    @property
    def accumulator(self) -> DType:
        """What matmuls of weights sum in."""
        return accumulator_dtype(self.dtype, self.weight_dtype)

    @property
    def tokens(self) -> int:
        """Rows of the activations: all new tokens."""
        return self.batch if self.phase == "decode" else self._total(self.contexts)

    def span(self, window: int) -> Span:
        """Keys and (query, key) pairs of one layer with that window (0: none)."""
        if not window or window >= max(self.contexts):
            pairs = tuple(_pairs(self._queries(context), context, context) for context in self.contexts)
            return Span(self.contexts, self._total(self.contexts), self._total(pairs), 0)
        keys = tuple(min(context, window + self._queries(context) - 1) for context in self.contexts)
        pairs = tuple(_pairs(self._queries(context), context, window) for context in self.contexts)
        return Span(_folded(keys), self._total(keys), self._total(pairs), window)

    def _queries(self, context: int) -> int:
        return 1 if self.phase == "decode" else context

    def _total(self, counts: tuple[int, ...]) -> int:
        return counts[0] * self.batch if len(counts) == 1 else sum(counts)


def _pairs(queries: int, context: int, window: int) -> int:
    """Pairs of the last `queries` tokens of a context with the keys that each sees: min(position, window)."""
    first = context - queries + 1
    if first >= window:
        return queries * window
    top = min(context, window)
    return (first + top) * (top - first + 1) // 2 + (context - top) * window


def _folded(lengths: Sequence[int]) -> tuple[int, ...]:
    """One element where all are alike."""
    return (lengths[0],) if len(set(lengths)) == 1 else tuple(lengths)


def read_contexts(batch: int, context: int, contexts: Sequence[int] | None) -> tuple[int, tuple[int, ...]]:
    """Batch and contexts from the arguments of `build_trace`. Raises SpecError and CapacityError."""
    if contexts is not None:
        lengths = list(contexts)
        if batch not in (1, len(lengths)):
            raise SpecError(f"is {batch}, and contexts has {len(lengths)} entries", field="batch", expected="as many")
        batch = len(lengths)
    else:
        lengths = [context]
    if type(batch) is not int or not 1 <= batch <= MAX_REQUESTS:
        raise SpecError(f"is {batch}", field="batch", expected=f"1 to {MAX_REQUESTS} requests")
    for length in lengths:
        if type(length) is not int or length < 1:
            field = "context" if contexts is None else "contexts"
            raise SpecError(f"{length!r} is no number of tokens", field=field, expected="whole numbers from 1")
        if length > MAX_CONTEXT:
            raise CapacityError(f"{length} tokens are too many", field="context", expected=f"at most {MAX_CONTEXT}")
    return batch, _folded(lengths)


def check_positions(spec: ModelSpec, contexts: tuple[int, ...]) -> None:
    """Raise CapacityError where a context is longer than the model's positions."""
    if max(contexts) > spec.max_position:
        raise CapacityError(
            f"{max(contexts)} tokens do not fit in {spec.name}",
            field="context",
            expected=f"at most max_position = {spec.max_position}",
        )


def check_expert_load(workload: Workload) -> None:
    """Raise SpecError where the given rows of the experts are no routing of the workload's tokens."""
    load, moe, tokens = workload.expert_load, workload.spec.moe, workload.tokens
    if not load:
        return
    if moe is None:
        raise SpecError(f"{workload.spec.name} has no experts", field="expert_load")
    if len(load) != moe.experts:
        raise SpecError(f"has {len(load)} entries", field="expert_load", expected=f"{moe.experts}, one an expert")
    for rows in load:
        if type(rows) is not int or not 0 <= rows <= tokens:
            raise SpecError(f"holds {rows!r}", field="expert_load", expected=f"rows of an expert, 0 to {tokens}")
    total = tokens * moe.experts_per_token
    if sum(load) != total:
        expected = f"{tokens} tokens x {moe.experts_per_token} experts = {total}"
        raise SpecError(f"sums to {sum(load)}", field="expert_load", expected=expected)
