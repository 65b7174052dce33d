"""What the documents tell people to type is what the commands take."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import InstrumentTrackerLib.__main__ as instrument_tracker
import pytest
import TemporalReconLib.__main__ as temporal_recon
from TemporalReconLib.cli.benchmark import _weights_by_method

REPOSITORY = Path(__file__).resolve().parents[3]
PARSERS = {"temporal-recon": temporal_recon.make_parser(), "instrument-tracker": instrument_tracker.make_parser()}
BLOCK = re.compile(r"^ *```[a-z]*\n(.*?)^ *```", re.MULTILINE | re.DOTALL)


def documented() -> list[tuple[str, str]]:
    """(document, command) of every line in a block that begins with one of our commands."""
    found = []
    for path in [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").rglob("*.md"))]:
        for block in BLOCK.findall(path.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                words = line.split("#")[0].strip()
                is_to_be_filled_in = "..." in words or "$" in words
                if words.startswith(tuple(PARSERS)) and not is_to_be_filled_in:
                    found.append((path.relative_to(REPOSITORY).as_posix(), words))
    return found


@pytest.mark.parametrize(("document", "command"), documented(), ids=lambda value: str(value)[:70])
def test_a_documented_command_is_understood(document: str, command: str) -> None:
    program, *words = shlex.split(command)
    options = PARSERS[program].parse_args(words)
    if program == "temporal-recon" and words[0] == "benchmark":
        assert _weights_by_method(options.weights) is not None
    else:
        # Every other command has one method, and takes METHOD=PATH for the name of a file.
        assert "=" not in str(getattr(options, "weights", ""))


def test_there_are_commands_to_check() -> None:
    assert len(documented()) > 30
