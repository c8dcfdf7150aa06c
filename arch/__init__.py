"""What the hardware is: standards, parts, systems, and per device the lowering, the bound and the energy."""
