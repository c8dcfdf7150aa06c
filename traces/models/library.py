"""Models by name (one YAML file a family), from a user's YAML file, or from a Hugging Face config.json."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from bitline.base.document import Path_, Source, apply_settings, check, merge, read_yaml
from bitline.base.errors import SpecError, did_you_mean
from bitline.traces.models.huggingface import read_config
from bitline.traces.models.spec import ModelSpec

FAMILIES = Path(__file__).parent / "families"

# Names that users may try, of models that are no decoder-only transformers.
OTHER_ARCHITECTURES = {"bert": "an encoder", "t5": "an encoder and decoder", "mamba2": "a state space model"}


def model_names() -> list[str]:
    """The models that come with the package, sorted by family, then by size."""
    return list(_shipped())


def family_names() -> list[str]:
    """The families that come with the package."""
    return sorted(path.stem for path in FAMILIES.glob("*.yaml"))


def load_model(name: str, settings: dict[str, Any] | None = None) -> ModelSpec:
    """The model called `name`; or that a .yaml file describes; or a config.json (`hf:FILE`, or a path in .json).

    A .yaml file holds the fields of ModelSpec and may have `base:`, the name of a model to start from. Settings are
    `path=value` overrides (`moe.experts_per_token` -> 4). Raises SpecError.
    """
    source = model_source(name)
    return check(apply_settings(source, settings) if settings else source, ModelSpec)


def model_source(name: str) -> Source:
    """The fields of a model before they are checked. Raises SpecError."""
    if name.startswith("hf:"):
        return read_config(name.removeprefix("hf:"))
    if name.endswith(".json"):
        return read_config(name)
    if name.endswith((".yaml", ".yml")):
        return _from_yaml(name)
    return _named(name)


def _named(name: str) -> Source:
    shipped = _shipped()
    if name in shipped:
        return shipped[name]
    for family, what in OTHER_ARCHITECTURES.items():
        if name.lower().startswith(family):
            raise SpecError(
                f"model '{name}' is {what}; only decoder-only transformers are modelled",
                expected=f"a model of the families {', '.join(family_names())}",
            )
    raise SpecError(f"unknown model '{name}'", expected=did_you_mean(name, shipped))


def _from_yaml(file: str) -> Source:
    source = read_yaml(file)
    _take_schema(source)
    base = source.data.pop("base", None)
    source.data.setdefault("name", Path(file).stem)
    if base is None:
        return source
    if not isinstance(base, str):
        raise SpecError("is not the name of a model", file=file, line=source.where(("base",))[1], field="base")
    return merge(_named(base), source)


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Source]:
    models: dict[str, Source] = {}
    for path in sorted(FAMILIES.glob("*.yaml")):
        family = read_yaml(path)
        _take_schema(family)
        for name, fields in family.data["models"].items():
            data = {"name": name, "family": path.stem, "source": family.data["source"]}
            lines = _below(family, ("shared",)) | _below(family, ("models", name))
            models[name] = Source({**data, **family.data["shared"], **fields}, path.name, lines)
    return models


def _below(source: Source, path: Path_) -> dict[Path_, tuple[str, int]]:
    return {key[len(path) :]: place for key, place in source.lines.items() if key[: len(path)] == path}


def _take_schema(source: Source) -> None:
    if not isinstance(source.data, dict):
        raise SpecError("holds no fields", file=source.file, expected="a model")
    if source.data.pop("schema", None) != 1:
        raise SpecError("has another value", file=source.file, field="schema", expected="schema: 1")
