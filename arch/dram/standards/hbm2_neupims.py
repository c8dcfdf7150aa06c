"""HBM2 banks that compute, with a second row buffer for the compute unit (NeuPIMs)."""

from bitline.arch.dram.standards._newton import newton_standard

STANDARD = newton_standard("hbm2_neupims", "JEDEC JESD235D; Heo et al. (NeuPIMs), ASPLOS 2024; NewtonSim", dual=True)
