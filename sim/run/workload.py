"""A workload: model, phase, batch, and the context of each token that is simulated."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bitline.base.errors import CapacityError, SpecError, did_you_mean
from bitline.traces import Trace, build_trace, load_model

PHASES = ("decode", "generate", "prefill")
MAX_TOKENS = 1 << 20


@dataclass(frozen=True)
class Workload:
    """decode: one token at `context`. generate: `prompt` tokens, then `tokens` new ones, each at its own context.
    prefill: the prompt alone, token by token, and its first logits.
    """

    model: str
    phase: str
    batch: int
    dtype: str
    contexts: tuple[int, ...]
    """Of every token that is simulated, itself included."""
    prompt: int
    tokens: int
    """Tokens that the run is for: new ones, or those of the prompt in prefill; of all requests."""
    tokens_asked: int = 0
    """New tokens of a request that were asked for, where the model's positions end before them."""

    def trace(self, context: int, *, head: bool = True) -> Trace:
        """The operators of one token of one request."""
        return self._trace(context, 1, head)

    def batched_trace(self, context: int, *, head: bool = True) -> Trace:
        """The operators of one token of every request, in one pass."""
        return self._trace(context, self.batch, head)

    def _trace(self, context: int, batch: int, head: bool) -> Trace:
        trace = build_trace(self.model, phase="decode", batch=batch, context=context, dtype=self.dtype)
        if head:
            return trace
        # What comes before the layers, and the layers.
        last = max(i for i, block in enumerate(trace.blocks) if block.layers)
        return replace(trace, blocks=trace.blocks[: last + 1])

    def needs_head(self, index: int) -> bool:
        """Prompt tokens need no logits, but for the last one."""
        return self.contexts[index] >= self.prompt

    def to_dict(self) -> dict[str, Any]:
        """The workload as a result says it."""
        said: dict[str, Any] = {
            "model": self.model,
            "phase": self.phase,
            "batch": self.batch,
            "dtype": self.dtype,
        }
        if self.phase == "generate":
            said |= {"prompt": self.prompt, "tokens": len(self.contexts) - self.prompt + 1}
            return said | ({"tokens_asked": self.tokens_asked} if self.tokens_asked else {})
        return {**said, "context": self.contexts[-1]}


def make_workload(
    model: str, phase: str, batch: int, context: int, prompt: int | None, tokens: int | None, dtype: str
) -> Workload:
    """Check and complete a workload. Raises SpecError."""
    if phase not in PHASES:
        raise SpecError(f"unknown phase '{phase}'", field="phase", expected=did_you_mean(phase, PHASES))
    for name, value in (("batch", batch), ("context", context), ("prompt", prompt), ("tokens", tokens)):
        if value is not None and not 1 <= value <= MAX_TOKENS:
            raise SpecError(f"{name} is {value}", field=name, expected=f"1 to {MAX_TOKENS}")
    if phase != "generate" and (prompt is not None or tokens is not None):
        raise SpecError(f"prompt and tokens say nothing in phase {phase}", field="phase", expected="phase generate")
    if phase == "decode":
        return Workload(model, phase, batch, dtype, (context,), 1, batch)
    if phase == "prefill":
        return Workload(model, phase, batch, dtype, tuple(range(1, context + 1)), context, context * batch)
    prompt, tokens = prompt or 1, tokens or 1
    positions = load_model(model).max_position
    if prompt > positions:
        raise CapacityError(f"a prompt of {prompt} tokens", field="prompt", expected=f"at most {positions}, in {model}")
    # The last prompt token gives the first new one. Generation ends where the model's positions do.
    made = min(tokens, positions - prompt + 1)
    contexts = tuple(range(1, prompt + made))
    return Workload(model, phase, batch, dtype, contexts, prompt, made * batch, tokens if made < tokens else 0)
