"""SCALE-Sim configuration files (.cfg) as NPU specs."""

from __future__ import annotations

import configparser
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bitline.arch.npu.spec import CORES, NpuSpec
from bitline.base.document import Source, check, merge
from bitline.base.errors import SpecError, did_you_mean

MAX_BYTES = 1 << 20

# What its files may say (SCALE-Sim v3, scalesim/scale_config.py); addresses and queues of it have no meaning here.
_ARCHITECTURE = {
    "arrayheight", "arraywidth", "ifmapsramszkb", "filtersramszkb", "ofmapsramszkb", "ifmapoffset", "filteroffset",
    "ofmapoffset", "bandwidth", "dataflow", "memorybanks", "readrequestbuffer", "writerequestbuffer",
}  # fmt: skip
_NEEDED = ("ArrayHeight", "ArrayWidth", "IfmapSramSzkB", "FilterSramSzkB", "OfmapSramSzkB", "Dataflow")
_DATAFLOWS = {"os": "output", "ws": "weight", "is": "input"}
_TRUE = ("true", "1", "yes", "on")


@dataclass(frozen=True)
class ScaleSimConfig:
    """A configuration: the NPU, and the memory's words a cycle (None: as many as are asked for)."""

    name: str
    data: dict[str, Any]
    words_per_cycle: int | None
    file: str

    def spec(self) -> NpuSpec:
        """The NPU: SCALE-Sim's default with what the file says. Raises SpecError."""
        base = CORES.source("scale-sim-default")
        return check(merge(base, Source(self.data, self.file, {})), NpuSpec)


def read_scale_sim_config(path: str | Path) -> ScaleSimConfig:
    """Read a .cfg file. Raises SpecError with file and option."""
    parser = _parse(path)
    if not parser.has_section("architecture_presets"):
        raise SpecError("has no section [architecture_presets]", file=path, expected="a SCALE-Sim configuration")
    options = dict(parser.items("architecture_presets"))
    for name in options:
        if name not in _ARCHITECTURE:
            hint = did_you_mean(name, sorted(_ARCHITECTURE))
            raise SpecError("unknown option", file=path, field=f"architecture_presets.{name}", expected=hint)
    for name in _NEEDED:
        if name.lower() not in options:
            raise SpecError("is missing", file=path, field=f"architecture_presets.{name}")
    _refuse(parser, path, "sparsity", "SparsitySupport", "dense layers: false")
    _refuse(parser, path, "layout", "IfmapCustomLayout", "false")
    _refuse(parser, path, "layout", "FilterCustomLayout", "false")
    name = parser.get("general", "run_name", fallback=Path(path).stem)
    kib = {option: _whole(options, option, path) << 10 for option in _NEEDED[2:5]}
    dataflow = options["dataflow"].strip().lower()
    if dataflow not in _DATAFLOWS:
        field = "architecture_presets.Dataflow"
        raise SpecError(f"unknown dataflow '{dataflow}'", file=path, field=field, expected="os, ws or is")
    source = f"SCALE-Sim configuration {Path(path).name}"
    data = {
        "description": name,
        "source": source,
        "array": {
            "source": source,
            "rows": _whole(options, "ArrayHeight", path),
            "columns": _whole(options, "ArrayWidth", path),
            "dataflow": _DATAFLOWS[dataflow],
        },
        "scratchpad": {"source": source, "bytes": kib["IfmapSramSzkB"] + kib["FilterSramSzkB"]},
        "accumulator": {"source": source, "bytes": kib["OfmapSramSzkB"]},
    }
    return ScaleSimConfig(name, data, _words_per_cycle(parser, options, path), str(path))


def _parse(path: str | Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    try:
        size = Path(path).stat().st_size
        text = Path(path).read_text("utf-8") if size <= MAX_BYTES else None
    except (OSError, ValueError) as error:
        raise SpecError(f"cannot be read ({getattr(error, 'strerror', None) or error})", file=path) from None
    if text is None:
        raise SpecError(f"has {size} bytes", file=path, expected=f"at most {MAX_BYTES >> 20} MiB")
    try:
        parser.read_string(text)
    except configparser.Error as error:
        line = getattr(error, "lineno", None) or next((number for number, _ in getattr(error, "errors", [])), None)
        raise SpecError("is no configuration", file=path, line=line, expected="[sections] of name: value") from None
    return parser


def _words_per_cycle(parser: configparser.ConfigParser, options: dict[str, str], path: str | Path) -> int | None:
    mode = parser.get("run_presets", "InterfaceBandwidth", fallback="CALC").strip().upper()
    if mode == "CALC":
        return None
    if mode != "USER":
        field = "run_presets.InterfaceBandwidth"
        raise SpecError(f"unknown mode '{mode}'", file=path, field=field, expected="CALC or USER")
    if "bandwidth" not in options:
        field = "architecture_presets.Bandwidth"
        raise SpecError("is missing", file=path, field=field, expected="words a cycle, as the mode is USER")
    # One number for each interface; the narrowest counts.
    parts = options["bandwidth"].split(",")
    return min(_whole({"bandwidth": part}, "Bandwidth", path) for part in parts)


def _whole(options: dict[str, str], name: str, path: str | Path) -> int:
    text = options[name.lower()].strip()
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) < 1:
        field = f"architecture_presets.{name}"
        raise SpecError(f"'{text}' is no size", file=path, field=field, expected="a whole number from 1")
    return int(text)


def _refuse(parser: configparser.ConfigParser, path: str | Path, section: str, option: str, expected: str) -> None:
    if parser.get(section, option, fallback="false").strip().lower() in _TRUE:
        raise SpecError("is not modelled", file=path, field=f"{section}.{option}", expected=expected)
