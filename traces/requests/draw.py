"""Random numbers that are the same on every machine and with every NumPy.

Only what NumPy promises to keep is used: SeedSequence and the raw 64-bit words of PCG64 (its Generator methods may
change from version to version). What is made of the words is integer arithmetic.
"""

from __future__ import annotations

import numpy as np

from bitline.base.errors import SpecError

# A stream for each thing that is drawn: drawing more of one leaves the others as they were.
INPUT, OUTPUT, ROW, PROGRESS = range(4)

WORD = 1 << 64
MAX_SEED = (1 << 63) - 1
MAX_COUNT = 1 << 20


def words(seed: int, stream: int, sample: int, count: int) -> list[int]:
    """`count` words, uniform in 0 .. 2^64 - 1, of one stream of one sample. Raises SpecError."""
    if type(seed) is not int or not 0 <= seed <= MAX_SEED:
        raise SpecError(f"is {seed!r}", field="seed", expected=f"a whole number from 0 to {MAX_SEED}")
    if type(count) is not int or not 1 <= count <= MAX_COUNT:
        raise SpecError(f"is {count!r}", field="batch", expected=f"1 to {MAX_COUNT} requests")
    generator = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(sample, stream)))
    raw: list[int] = generator.random_raw(count).tolist()
    return raw


def below(word: int, limit: int) -> int:
    """A number in 0 .. limit - 1, uniform to within limit / 2^64."""
    return word * limit >> 64
