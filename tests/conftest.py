"""Hypothesis profiles: how long an example takes says nothing about what it tests, so there is no deadline."""

import os

from hypothesis import settings

settings.register_profile("dev", deadline=None, max_examples=25)
settings.register_profile("ci", deadline=None, max_examples=100, derandomize=True)
settings.register_profile("night", deadline=None, max_examples=2000)
settings.load_profile(os.environ.get("BITLINE_TESTS", "ci"))
