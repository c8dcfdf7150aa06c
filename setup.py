"""Builds the Cython cores. Everything else about the package stands in pyproject.toml.

BITLINE_BUILD picks the kind of build: `release` (default), `boundscheck` (every memoryview access checked) or
`sanitize` (address and undefined-behaviour sanitizers; run with libasan preloaded, see docs/reliability.md).
"""

import os
from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

KIND = os.environ.get("BITLINE_BUILD", "release")
if KIND not in ("release", "boundscheck", "sanitize"):
    raise SystemExit(f"BITLINE_BUILD={KIND}: expected release, boundscheck or sanitize")

# No -march=native, no -ffast-math, no contraction: the same answer on every machine.
COMPILE = ["-O3", "-ffp-contract=off", "-Wno-unused-function", "-Wno-unreachable-code"]
LINK = []
CORES = os.cpu_count() or 1
if KIND == "sanitize":
    SANITIZERS = "-fsanitize=address,undefined"
    COMPILE = ["-O1", "-g", "-fno-omit-frame-pointer", "-ffp-contract=off", SANITIZERS, "-fno-sanitize=alignment"]
    LINK = [SANITIZERS]


def extensions():
    # bitline/csrc is a link in the repository and a folder in an sdist, which has no csrc/ beside it.
    root = Path(__file__).parent
    for source in sorted((root / "bitline" / "csrc").rglob("*.pyx")):
        path = source.relative_to(root)
        name = ".".join(path.with_suffix("").parts)
        yield Extension(name, [str(path)], extra_compile_args=COMPILE, extra_link_args=LINK)


setup(
    packages=find_packages(include=["bitline", "bitline.*"]),
    options={"build_ext": {"parallel": CORES}},
    ext_modules=cythonize(
        list(extensions()),
        build_dir="build/cython",
        nthreads=CORES,
        compiler_directives={
            "language_level": 3,
            "boundscheck": KIND == "boundscheck",
            "wraparound": False,
            "cdivision": True,
            "initializedcheck": False,
            "embedsignature": True,
            "freethreading_compatible": False,
        },
    ),
)
