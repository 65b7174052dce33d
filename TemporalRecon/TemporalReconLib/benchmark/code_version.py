"""The code that decides on the numbers of benchmarks and studies: results of other code do not mix with new ones."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

# What shows, sends, keeps or draws pictures and results changes none of them; everything else may. Pictures come by way
# of ``engine``, which restarts series and fits planning scans.
ROOMS_WITHOUT_NUMBERS = (
    *("cli", "demo", "module", "scene", "playback", "engine_client", "igtl", "mrd", "case_log", "reading"),
    *("evaluation/study/report", "evaluation/study/statistics"),
)


def code_files(library: ModuleType) -> list[Path]:
    """Code and fitted constants of a package that may decide on a number, sorted."""
    root = Path(library.__path__[0])
    found = (path.relative_to(root) for path in root.rglob("*") if path.suffix in (".py", ".json"))
    return sorted(root / path for path in found if not _is_without_numbers(path))


def code_digest(libraries: Iterable[ModuleType]) -> str:
    """SHA256 over :func:`code_files` of the packages, in hexadecimal digits."""
    digest = hashlib.sha256()
    for library in libraries:
        for path in code_files(library):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _is_without_numbers(path: Path) -> bool:
    return path.stem.endswith("figure") or any(path.is_relative_to(room) for room in ROOMS_WITHOUT_NUMBERS)
