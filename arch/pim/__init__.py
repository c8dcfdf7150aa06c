"""Processing in memory: layouts of matrices and KV caches in the banks, and their lowering to commands."""
