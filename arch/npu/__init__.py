"""Neural processing units: systolic arrays with scratchpads and a vector unit, how work is cut and lowered for them."""
