"""How matrix products are cut into tiles: a mapping names a policy, and may fix what the policy would choose."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from bitline.base.document import Document, Library

MAPPINGS = Library("mapping", Path(__file__).parent / "mappings")

Kind = Literal["scale-sim", "onnxim", "neupims", "traffic", "manual"]
Order = Literal["mn", "nm"]
Resident = Literal["none", "activations", "weights"]
Tile = Annotated[int, Field(ge=1, le=1 << 30)]


class Mapping(Document):
    """A policy for tiles, loops and the layout of tensors."""

    schema_: Literal[1] = Field(1, alias="schema")
    description: str = ""
    source: str = ""
    kind: Kind = Field(description="policy that chooses tiles")
    tile_m: Tile | None = Field(None, description="rows of a tile in place of the policy's")
    tile_k: Tile | None = Field(None, description="summands of a tile in place of the policy's")
    tile_n: Tile | None = Field(None, description="columns of a tile in place of the policy's")
    order: Order | None = Field(None, description="loops over tiles, outer first; k is always the innermost")
    resident: Resident | None = Field(None, description="operand whose whole k stays over the inner loop")
    layout: Literal["tiled", "row_major", "ideal_stream"] = Field(
        "tiled",
        description="tiled: a tile in one piece, padded to a line of every channel; row_major: row after row; "
        "ideal_stream: one line after the other whatever the tensor (NeuPIMs)",
    )
    fuse: bool = Field(True, description="elementwise operators after a product work on the accumulator")

    @model_validator(mode="after")
    def _possible(self) -> Mapping:
        if self.kind == "manual" and None in (self.tile_m, self.tile_k, self.tile_n):
            raise ValueError("a manual mapping lacks tile sizes; expected tile_m, tile_k and tile_n")
        if (self.resident, self.order) in (("activations", "nm"), ("weights", "mn")):
            outer = "mn" if self.resident == "activations" else "nm"
            raise ValueError(f"resident {self.resident} with order {self.order}; expected order {outer}")
        return self


def load_mapping(name: str, settings: dict[str, Any] | None = None) -> Mapping:
    """The mapping of that name or file. Raises SpecError."""
    return MAPPINGS.load(name, Mapping, settings)
