"""Slicer imports every module file at startup, before any package of ours is installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import sys
from standins import desktop
desktop.install()
before = set(sys.modules)
import {module}
slow = {{"scipy.special", "scipy.stats", "SimpleITK"}}
not_in_slicer = {{"torch", "monai", "fastcrc", "h5py", "ismrmrd", "nrrd", "matplotlib"}}
print(sorted((slow | not_in_slicer) & (set(sys.modules) - before)))
"""


@pytest.mark.parametrize("module", ["TemporalRecon", "InstrumentTracker"])
def test_a_module_file_loads_fast_with_what_slicer_brings(module: str) -> None:
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(module=module)],
        cwd=Path(__file__).parent,
        env={"PATH": "", "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
