"""Models, and traces of their operators: what hardware is asked to do."""

from bitline.traces.dtypes import BITS, DTYPES, DType
from bitline.traces.files import read_trace, write_trace
from bitline.traces.models.library import family_names, load_model, model_names
from bitline.traces.models.spec import ModelSpec
from bitline.traces.operator import Operator, Tensor
from bitline.traces.summary import summarise
from bitline.traces.trace import Block, Trace
from bitline.traces.transformer.decoder import build_trace

__all__ = [
    "BITS",
    "DTYPES",
    "Block",
    "DType",
    "ModelSpec",
    "Operator",
    "Tensor",
    "Trace",
    "build_trace",
    "family_names",
    "load_model",
    "model_names",
    "read_trace",
    "summarise",
    "write_trace",
]
