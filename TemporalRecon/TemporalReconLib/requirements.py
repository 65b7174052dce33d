"""Which of the Python packages we need are missing; by name and version only, nothing is imported."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from TemporalReconLib.errors import InputError

_LINE = re.compile(r"([A-Za-z0-9._-]+)(?:>=([0-9.]+))?")


def missing_requirements(path: Path) -> list[str]:
    """Lines of a requirements file (``name`` or ``name>=1.2``, # comments) that this Python does not meet.

    Raises
    ------
    InputError
        If a line has another form.
    """
    missing = []
    for line in path.read_text(encoding="utf-8").splitlines():
        requirement = line.partition("#")[0].strip()
        if not requirement:
            continue
        match = _LINE.fullmatch(requirement)
        if match is None:
            raise InputError(f"{path}: cannot read {requirement!r}, expected 'name' or 'name>=1.2'")
        if not _is_met(match[1], match[2]):
            missing.append(requirement)
    return missing


def _is_met(name: str, minimum: str | None) -> bool:
    try:
        installed = version(name)
    except PackageNotFoundError:
        return False
    return minimum is None or _release(installed) >= _release(minimum)


def _release(text: str) -> tuple[int, ...]:
    """Leading numbers of a version: 2.13.0+cpu is (2, 13, 0)."""
    match = re.match(r"[0-9]+(?:\.[0-9]+)*", text)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
