"""HBM2 banks that compute, with the one row buffer that every DRAM bank has (Newton)."""

from bitline.arch.dram.standards._newton import newton_standard

STANDARD = newton_standard("hbm2_newton", "JEDEC JESD235D; He et al. (Newton), MICRO 2020; NewtonSim", dual=False)
