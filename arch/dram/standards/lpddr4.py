"""LPDDR4 SDRAM (JEDEC JESD209-4), with DDR4's shape: bank groups, all-bank refresh of a rank, tPPD."""

from dataclasses import replace

from bitline.arch.dram.standards.ddr4 import STANDARD as DDR4

STANDARD = replace(DDR4, name="lpddr4", source="JEDEC JESD209-4", optional=())
