"""DRAM: standards (constraint tables), parts (numbers) and controllers (policies), and what they mean to the core."""
