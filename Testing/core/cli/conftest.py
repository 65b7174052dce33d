"""Fixtures of the command-line tests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from console import SIMULATE, WarmConsole


@pytest.fixture(scope="session")
def console(tmp_path_factory) -> Iterator[WarmConsole]:
    """Runs commands."""
    warm = WarmConsole(tmp_path_factory.mktemp("console"))
    yield warm
    warm.close()


@dataclass(frozen=True)
class SimulatedCase:
    """A small simulated biopsy: 1 slice of 96 x 96, 8 frames, R = 8, 2 coils, with planning scan."""

    path: Path
    truth: Path
    n_frames: int = 8
    n_rows: int = 96
    acceleration: float = 8.0


@pytest.fixture(scope="session")
def case(console, tmp_path_factory) -> SimulatedCase:
    folder = tmp_path_factory.mktemp("case")
    simulated = SimulatedCase(folder / "case.h5", folder / "truth.json")
    done = console.run("temporal-recon", "simulate", "--output", simulated.path, "--truth", simulated.truth, *SIMULATE)
    assert (done.code, done.lines) == (0, []), done.err
    return simulated
