"""Where tensors lie in the memory of an NPU: byte addresses, weights from the bottom, the rest from the top."""

from __future__ import annotations

from dataclasses import dataclass, field

from bitline.base.errors import CapacityError
from bitline.base.units import format_bytes

ALIGNMENT_BYTES = 1 << 20


def round_up(size: int, unit: int) -> int:
    """The next multiple of `unit`."""
    return -(-size // unit) * unit


@dataclass
class MemoryMap:
    """Addresses by tensor name.

    A tensor starts at a multiple of `alignment_bytes`, so that tensors of one size meet channels and banks alike in
    every layer. What is kept (weights) grows from address 0 up; activations and the caches of requests from the top
    down, and these are forgotten together (`release`).
    """

    capacity_bytes: int
    line_bytes: int = 64
    """A request to the memory."""
    interleave_bytes: int = 2048
    """One line of every channel: a tile that is a multiple of it asks the same of all channels."""
    bandwidth_gb_s: float = 1024.0
    """Peak of the memory, for those who choose tiles."""
    alignment_bytes: int = ALIGNMENT_BYTES
    kept: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Address and size."""
    passing: dict[str, tuple[int, int]] = field(default_factory=dict)
    kept_bytes: int = 0
    """Memory that weights take."""
    passing_bytes: int = 0

    def keep(self, name: str, size: int) -> int:
        """Address of a weight; made at the first call. Raises CapacityError where it does not fit."""
        if name not in self.kept:
            address = round_up(self.kept_bytes, self.alignment_bytes)
            self._check_room(name, size, address + size + self.passing_bytes)
            self.kept[name] = address, size
            self.kept_bytes = address + size
        address, placed = self.kept[name]
        if placed < size:
            raise CapacityError(
                f"tensor '{name}' was placed with {placed} bytes and is read with {size}",
                field="mapping",
                expected="one layout for all who read it",
            )
        return address

    def passes(self, name: str, size: int) -> int:
        """Address of an activation or a cache; one that is larger than at the last call gets a new place."""
        if name not in self.passing or self.passing[name][1] < size:
            end = round_up(self.passing_bytes + size + self.capacity_bytes % self.alignment_bytes, self.alignment_bytes)
            self._check_room(name, size, self.kept_bytes + end)
            self.passing[name] = round_up(self.capacity_bytes, self.alignment_bytes) - end, size
            self.passing_bytes = end
        return self.passing[name][0]

    def release(self) -> None:
        """Forget all activations and caches."""
        self.passing.clear()
        self.passing_bytes = 0

    def _check_room(self, name: str, size: int, used: int) -> None:
        missing = used - self.capacity_bytes
        if missing > 0:
            raise CapacityError(
                f"tensor '{name}' of {format_bytes(size)} does not fit: {missing} bytes "
                f"({format_bytes(missing)}) are missing",
                field="memory",
                expected=f"at least {format_bytes(used)}, there are {format_bytes(self.capacity_bytes)}",
            )
