"""One parser under atheris: ``fuzz_one.py PARSER CORPUS [libFuzzer options]``; run by fuzz_parsers.py."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))

with atheris.instrument_imports(include=["TemporalReconLib", "ismrmrd", "nrrd"]):
    from parsers import try_parser

NAME = sys.argv.pop(1)


def read(content: bytes) -> None:
    try_parser(NAME, content)


atheris.Setup(sys.argv, read)
atheris.Fuzz()
