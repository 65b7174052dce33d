"""A free label for a case: never a patient's name or number, never a path."""

from __future__ import annotations

import re
import time

from TemporalReconLib.errors import InputError

MAX_LENGTH = 60


def default_case_name(time_s: float | None = None) -> str:
    """By local time, as ``case 2026-11-21 15.04.30``."""
    return time.strftime("case %Y-%m-%d %H.%M.%S", time.localtime(time_s))


def validated_case_name(name: str) -> str:
    """The name without outer blanks.

    Raises
    ------
    InputError
        If it is not 1 to 60 printable ASCII characters.
    """
    name = name.strip()
    if not (0 < len(name) <= MAX_LENGTH and name.isascii() and name.isprintable()):
        raise InputError(f"case name {name!r}: expected 1 to {MAX_LENGTH} printable ASCII characters")
    return name


def folder_name(case_name: str) -> str:
    """A folder name for a case: what a file system or a shell could take amiss becomes ``_``."""
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", case_name).strip(".")
    return plain or "case"
