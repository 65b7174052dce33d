"""Branch coverage of what must not fail unnoticed, each package by its own tests alone (``make coverage``)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]
REQUIRED_PERCENT = 95.0
TESTS = REPOSITORY / "Testing" / "core"
# Package: where its tests are, those that import it.
CRITICAL = {
    "TemporalReconLib.igtl": "igtl/test_*.py",
    "TemporalReconLib.mrd": "mrd/test_*.py",
    "TemporalReconLib.geometry": "test_geometry.py",
    "InstrumentTrackerLib.tracking": "tracking/test_*.py",
    "InstrumentTrackerLib.evaluation.study.statistics": "study/test_*.py",
}


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        sources = [f"--cov={package}" for package in CRITICAL]
        options = ["--cov-branch", f"--cov-report=json:{report}", "--cov-report=", "-q", "-p", "no:cacheprovider"]
        done = subprocess.run(
            [sys.executable, "-m", "pytest", *_tests(), *sources, *options],
            cwd=REPOSITORY,
            env=_environment(Path(folder)),
            check=False,
        )
        if done.returncode:
            return done.returncode
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    return _told(files)


def _tests() -> list[str]:
    found = {
        str(path)
        for package, names in CRITICAL.items()
        for path in TESTS.glob(names)
        if package in path.read_text(encoding="utf-8")
    }
    return sorted(found)


def _environment(folder: Path) -> dict[str, str]:
    """The data file of the measurement stays out of the working folder."""
    return {**os.environ, "COVERAGE_FILE": str(folder / "coverage")}


def _told(files: dict[str, Any]) -> int:
    """Print a line for each package, and the branches nobody took; 1 if one is below what is required."""
    is_short = False
    for package in CRITICAL:
        place = package.replace(".", "/")
        own = {name: found for name, found in files.items() if f"{place}/" in name or name.endswith(f"{place}.py")}
        taken = sum(found["summary"]["covered_branches"] for found in own.values())
        total = sum(found["summary"]["num_branches"] for found in own.values())
        percent = 100.0 * taken / total if total else 0.0
        is_short |= percent < REQUIRED_PERCENT
        verdict = "ok" if percent >= REQUIRED_PERCENT else f"below {REQUIRED_PERCENT:g} %"
        sys.stdout.write(f"{package:<50} {taken:>4} of {total:>4} branches  {percent:5.1f} %  {verdict}\n")
        for name, found in own.items():
            missed = ", ".join(f"{begin} -> {max(end, 0) or 'end'}" for begin, end in found["missing_branches"])
            if missed:
                sys.stdout.write(f"  {Path(name).name}: {missed}\n")
    return int(is_short)


if __name__ == "__main__":
    sys.exit(main())
