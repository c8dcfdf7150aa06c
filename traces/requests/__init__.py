"""Requests: how long prompts and answers are, and batches of requests that are under way."""

from bitline.traces.requests.lengths import LengthDistribution, Lengths, length_names, load_lengths
from bitline.traces.requests.request import Request
from bitline.traces.requests.warm import WarmBatch, cold_batch, warm_batch

__all__ = [
    "LengthDistribution",
    "Lengths",
    "Request",
    "WarmBatch",
    "cold_batch",
    "length_names",
    "load_lengths",
    "warm_batch",
]
