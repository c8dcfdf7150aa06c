"""Sphinx configuration: `make docs` builds with warnings as errors."""

from bitline import __version__

project = "Bitline"
author = "The Bitline developers"
copyright = author
release = __version__
extensions = ["myst_parser", "sphinx_click"]
html_theme = "furo"
html_title = f"Bitline {__version__}"
exclude_patterns = ["_build"]
myst_heading_anchors = 2
smartquotes = False  # options begin with two hyphens
