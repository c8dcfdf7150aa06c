"""Floating-point operations of what is no matmul.

Each addition, multiplication, comparison, division and transcendental function of the usual implementation counts as
one, per element; what happens once a row (a mean's division, a square root) is left out. Hardware differs widely here;
these numbers rank operators, and lowerings count their own steps.
"""

from __future__ import annotations

# subtract the maximum and find it, exponential, sum, divide
SOFTMAX_FLOPS = 5

NORM_FLOPS = {
    "layernorm": 7,  # sum, subtract mean, square, sum, scale, times weight, plus bias
    "rmsnorm": 4,  # square, sum, scale, times weight
}

ACTIVATION_FLOPS = {
    "relu": 1,
    "gelu": 5,  # x/2 (1 + erf(x/sqrt 2))
    "gelu_new": 9,  # x/2 (1 + tanh(c (x + d x^3))); the next two are other names of it
    "gelu_tanh": 9,
    "gelu_pytorch_tanh": 9,
    "silu": 4,  # x / (1 + exp(-x))
}

# x cos + rotated(x) sin
ROPE_FLOPS = 3

# Softmax (or sigmoid) over the experts, and one comparison to find the largest.
ROUTE_FLOPS = SOFTMAX_FLOPS + 1
