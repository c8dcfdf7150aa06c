"""Wrong documents made from right ones: by structure, and byte by byte."""

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import yaml

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, "", "many", "\x00", "x" * 5000, "1 ps", "!!python/name:os.system"),
    *(float("nan"), float("inf"), float("-inf"), -1, 0, 0.5, 1e-300, 1e300, 2**31, 2**32, 2**53, 2**63, 10**400),
    *([], {}, [[[]]], {"a": {"b": 1}}, [1, 2, 3]),
)


def places(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value inside a document."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from places(value, (*path, key))


def by_structure(rng: random.Random, data: Any) -> Any:
    """A copy with one to three keys dropped, renamed or doubled in depth, or values of another kind."""
    data = copy.deepcopy(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        found = list(places(data))
        if not found:
            break
        *path, key = rng.choice(found)
        holder = data
        for step in path:
            holder = holder[step]
        action = rng.randrange(4)
        if action == 0:
            del holder[key]
        elif action == 1 and isinstance(holder, dict):
            name = str(key)
            holder[rng.choice((name.upper(), name + "s", name[1:], "\u00e9" + name, 7))] = holder.pop(key)
        elif action == 2:
            holder[key] = [holder[key]] if rng.random() < 0.5 else {str(key): holder[key]}
        else:
            holder[key] = copy.deepcopy(rng.choice(ODD_VALUES))
    return data


def by_bytes(rng: random.Random, text: bytes) -> bytes:
    """The same bytes cut, flipped, doubled or with something put in between."""
    content = bytearray(text)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(content)) if content else 0
        action = rng.randrange(6)
        if action == 0:
            del content[at:]
        elif action == 1 and content:
            content[at] ^= 1 << rng.randrange(8)
        elif action == 2:
            odd = (b"\x00", b"\xff", b"\n", b"- " * 3000, b"[" * 3000, b"&a ", b"*a", b"---\n", b"1e999", b"-", b".nan")
            content[at:at] = rng.choice(odd)
        elif action == 3:
            lines = bytes(content).splitlines(keepends=True)
            line = rng.randrange(len(lines)) if lines else 0
            lines[line:line] = lines[line : line + 1]
            content = bytearray(b"".join(lines))
        elif action == 4:
            end = at + rng.randrange(40)
            del content[at:end]
        else:
            lines = bytes(content).splitlines(keepends=True)
            rng.shuffle(lines)
            content = bytearray(b"".join(lines))
    return bytes(content)


def mutator(text: bytes, read: Callable[[bytes], Any] | None) -> Callable[[random.Random], bytes]:
    """A maker of wrong versions of a document; `read` parses it where it has a structure."""
    data = None if read is None else read(text)

    def mutate(rng: random.Random) -> bytes:
        if data is None or rng.random() < 0.4:
            return by_bytes(rng, text)
        changed = by_structure(rng, data)
        written = json.dumps(changed) if read is json.loads else yaml.safe_dump(changed, allow_unicode=True)
        return written.encode("utf-8", "surrogatepass")

    return mutate
