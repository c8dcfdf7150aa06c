"""Sub-batches: a batch cut in two, so that one half is on the NPU while the other attends in memory (NeuPIMs, 6.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from bitline.base.errors import SpecError

T = TypeVar("T")

SubBatchRule = Literal["never", "always", "from_batch"]


def interleaves(rule: SubBatchRule, from_batch: int, batch: int) -> bool:
    """Is a batch cut in two? One request cannot be."""
    return batch > 1 and (rule == "always" or (rule == "from_batch" and batch >= from_batch))


def halves(channels: Sequence[Sequence[T]]) -> tuple[list[list[T]], list[list[T]]]:
    """The two halves, each by channel: of every channel the first requests, and the rest.

    Channels with an odd number give the odd one to the first half and to the second in turn.
    """
    first: list[list[T]] = []
    second: list[list[T]] = []
    up = True
    for requests in channels:
        middle = len(requests) // 2
        if len(requests) % 2:
            middle += up
            up = not up
        first.append(list(requests[:middle]))
        second.append(list(requests[middle:]))
    return first, second


def micro_batches(channels: Sequence[Sequence[T]], count: int) -> list[list[list[T]]]:
    """`count` micro-batches, each by channel, for a pipeline of so many stages. Raises SpecError.

    Requests are dealt out in turn, channel after channel: sizes differ by one at most, in all and on each channel.
    """
    total = sum(len(requests) for requests in channels)
    if total < count:
        raise SpecError(
            f"is {total}", field="batch", expected=f"at least {count}: a request for each of {count} pipeline stages"
        )
    made: list[list[list[T]]] = [[[] for _ in channels] for _ in range(count)]
    turn = 0
    for channel, requests in enumerate(channels):
        for request in requests:
            made[turn][channel].append(request)
            turn = (turn + 1) % count
    return made
