"""The table of metadata in the reference names every key that the code knows, and no other."""

from __future__ import annotations

import re
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
PACKAGES = (REPOSITORY / "TemporalRecon", REPOSITORY / "InstrumentTracker")
KEY = re.compile(r"\bTR\.[A-Z]\w+")


def keys_of_the_code() -> set[str]:
    sources = [source for package in PACKAGES for source in package.rglob("*.py")]
    return {key for source in sources for key in KEY.findall(source.read_text(encoding="utf-8"))}


def keys_of_the_table() -> list[str]:
    """Of the first column."""
    document = (REPOSITORY / "docs" / "reference" / "wire.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| ([^|]*) \|.*\|$", document.partition("## Metadata")[2], re.MULTILINE)
    return [key for cell in cells for key in KEY.findall(cell)]


def test_every_key_of_the_wire_is_documented_once_and_no_other() -> None:
    documented = keys_of_the_table()
    assert len(documented) > 20
    assert sorted(documented) == sorted(keys_of_the_code())
