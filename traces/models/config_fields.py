"""Typed access to the fields of a config.json: every error names file and field."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from bitline.base.errors import SpecError, did_you_mean

MAX_COUNT = 1 << 24
MAX_LIST = 4096

# The spellings of one function are kept apart, except where a file's word is no name of ours.
ACTIVATIONS = {name: name for name in ("relu", "gelu", "gelu_new", "gelu_tanh", "gelu_pytorch_tanh", "silu")}
ACTIVATIONS |= {"swish": "silu", "gelu_fast": "gelu_new", "gelu_python": "gelu"}

ValueT = TypeVar("ValueT")


class ConfigFields:
    """The fields of one JSON object. Null counts as absent, as transformers has it."""

    def __init__(self, data: dict[str, Any], file: str, below: str = "") -> None:
        self.data = data
        self.file = file
        self.below = below

    def error(self, name: str, problem: str, expected: str | None = None) -> SpecError:
        """A SpecError about one field."""
        return SpecError(problem, file=self.file, field=self.below + name, expected=expected)

    def absent(self, name: str) -> bool:
        """Whether the field is missing or null."""
        return self.data.get(name) is None

    def section(self, name: str) -> ConfigFields:
        """The object below a field; empty where it is absent."""
        value = {} if self.absent(name) else self._typed(name, self.data[name], dict, "an object")
        return ConfigFields(value, self.file, f"{self.below}{name}.")

    def count(self, *names: str, default: int | None = None) -> int:
        """A whole number of at least 1, under the first of the names that is there."""
        return self._integer(names, default, least=1)

    def whole(self, *names: str, default: int | None = None) -> int:
        """A whole number of at least 0."""
        return self._integer(names, default, least=0)

    def flag(self, name: str, default: bool) -> bool:
        """A truth value."""
        return default if self.absent(name) else self._typed(name, self.data[name], bool, "true or false")

    def fraction(self, name: str, default: float) -> float:
        """A number above 0 and up to 1."""
        value = default if self.absent(name) else self.data[name]
        if type(value) not in (int, float) or not 0 < value <= 1:
            raise self.error(name, f"is {_shown(value)}", "a number above 0, up to 1")
        return float(value)

    def text(self, name: str) -> str:
        """A text that has to be there."""
        if self.absent(name):
            raise self.error(name, "is missing", "a Hugging Face config.json")
        return self._typed(name, self.data[name], str, "a text")

    def texts(self, name: str) -> list[str]:
        """A list of texts; empty where it is absent."""
        return self._list(name, str, "texts")

    def integers(self, name: str) -> list[int]:
        """A list of whole numbers; empty where it is absent."""
        return self._list(name, int, "whole numbers")

    def activation(self, name: str, default: str) -> str:
        """The name of an activation function, in our spelling."""
        word = default if self.absent(name) else self._typed(name, self.data[name], str, "a text")
        if word not in ACTIVATIONS:
            raise self.error(name, f"'{word}' is not modelled", did_you_mean(word, ACTIVATIONS))
        return ACTIVATIONS[word]

    def refuse(self, name: str, modelled: bool) -> None:
        """Raise where a flag has the value that is not modelled."""
        if self.flag(name, default=modelled) != modelled:
            raise self.error(name, f"{str(not modelled).lower()} is not modelled", str(modelled).lower())

    def _integer(self, names: tuple[str, ...], default: int | None, least: int) -> int:
        for name in names:
            if not self.absent(name):
                value = self._typed(name, self.data[name], int, "a whole number")
                if not least <= value <= MAX_COUNT:
                    raise self.error(name, f"is {_shown(value)}", f"{least} to {MAX_COUNT}")
                return value
        if default is None:
            raise self.error(names[0], "is missing", "a whole number")
        return default

    def _list(self, name: str, kind: type[ValueT], what: str) -> list[ValueT]:
        if self.absent(name):
            return []
        values = self._typed(name, self.data[name], list, f"a list of {what}")
        if len(values) > MAX_LIST:
            raise self.error(name, f"has {len(values)} entries", f"at most {MAX_LIST}")
        return [self._typed(name, value, kind, f"a list of {what}") for value in values]

    def _typed(self, name: str, value: Any, kind: type[ValueT], expected: str) -> ValueT:
        # `True` is an int to Python, but not to a reader.
        if type(value) is not kind:
            raise self.error(name, f"is {_shown(value)}", expected)
        return value


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "an object" if isinstance(value, dict) else "a list"
    text = json.dumps(value)
    return text if len(text) <= 40 else text[:37] + "..."
