"""Who runs the points of a sweep: this process, processes of this machine, or a cluster."""
