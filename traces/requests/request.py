"""A request of a decoding batch."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Request:
    """A prompt that was read, and an answer of which `done_tokens` tokens have passed the model.

    Each output token takes one decode iteration: `output_tokens` iterations in all.
    """

    id: int
    prompt_tokens: int
    output_tokens: int
    done_tokens: int = 0
    arrival_ps: int = 0

    @property
    def context(self) -> int:
        """Tokens that the next iteration attends to: prompt, what was made, and the token itself."""
        return self.prompt_tokens + self.done_tokens + 1

    @property
    def cached_tokens(self) -> int:
        """Tokens whose keys and values are kept."""
        return self.prompt_tokens + self.done_tokens

    @property
    def last_context(self) -> int:
        """The context of the last iteration."""
        return self.prompt_tokens + self.output_tokens

    @property
    def finished(self) -> bool:
        """Is the answer complete?"""
        return self.done_tokens >= self.output_tokens

    def advanced(self) -> Request:
        """The request one token on."""
        return replace(self, done_tokens=self.done_tokens + 1)
