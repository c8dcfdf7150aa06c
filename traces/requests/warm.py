"""Batches of requests: fresh ones, or such as are found in a server that has been running."""

from __future__ import annotations

from dataclasses import dataclass

from bitline.base.errors import SpecError
from bitline.traces.requests.draw import PROGRESS, below, words
from bitline.traces.requests.lengths import LengthDistribution, Lengths
from bitline.traces.requests.request import Request


@dataclass(frozen=True, slots=True)
class WarmBatch:
    """Requests, and how many of them were longer than the model and were cut."""

    requests: tuple[Request, ...]
    clipped: int

    @property
    def contexts(self) -> tuple[int, ...]:
        """What each request's next token attends to."""
        return tuple(request.context for request in self.requests)


def warm_batch(lengths: LengthDistribution, batch: int, seed: int, max_context: int, *, sample: int = 0) -> WarmBatch:
    """Requests of which each is at a uniformly random point of its output (NeuPIMs, section 8.1: a warm batch).

    Each request of the distribution is as likely as any other: long outputs, which stay longer in a real server, are
    not found more often. What is longer than the model's `max_context` positions is cut before the point is drawn:
    first the output, then the prompt; the last token made has context max_context. Raises SpecError.
    """
    made = cold_batch(lengths, batch, seed, max_context, sample=sample)
    progress = words(seed, PROGRESS, sample, batch)
    return WarmBatch(
        tuple(
            Request(request.id, request.prompt_tokens, request.output_tokens, below(word, request.output_tokens))
            for request, word in zip(made.requests, progress)
        ),
        made.clipped,
    )


def cold_batch(lengths: LengthDistribution, batch: int, seed: int, max_context: int, *, sample: int = 0) -> WarmBatch:
    """The same requests before their first output token. Raises SpecError."""
    if type(max_context) is not int or max_context < 2:
        raise SpecError(f"is {max_context!r}", field="max_context", expected="at least 2: a prompt and an output token")
    drawn = lengths.draw(batch, seed, sample)
    kept = [_within(one, max_context) for one in drawn]
    clipped = sum(one != whole for one, whole in zip(kept, drawn))
    return WarmBatch(tuple(Request(i, *one) for i, one in enumerate(kept)), clipped)


def _within(lengths: Lengths, max_context: int) -> Lengths:
    prompt = min(lengths.input_tokens, max_context - 1)
    return Lengths(prompt, min(lengths.output_tokens, max_context - prompt))
