"""One parser under atheris: ``fuzz_one.py PARSER CORPUS [libFuzzer options]``; run by fuzz_parsers.py."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parent))

with atheris.instrument_imports(include=["TemporalReconLib", "ismrmrd", "nrrd"]):
    from parsers import try_parser

NAME, CORPUS = sys.argv.pop(1), Path(sys.argv[1])


def read(content: bytes) -> None:
    try:
        try_parser(NAME, content)
    except Exception:
        # libFuzzer keeps none where a library ends the process in its own way.
        (CORPUS.parent / f"finding-{hashlib.sha256(content).hexdigest()[:12]}").write_bytes(content)
        raise


atheris.Setup(sys.argv, read)
atheris.Fuzz()
