"""The host side of a PIM system: an ASIC with adders, multipliers and an SRAM."""
