"""What the demo plays: a simulated biopsy, or a user's file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.demo.summary import Truth

SIMULATED_FRAMES = 48
SIMULATED_ACCELERATION = 16.0


@dataclass(frozen=True)
class Case:
    """A file to play and what is known of it.

    Attributes
    ----------
    path
        INPUT of ``temporal-recon send``.
    series_arguments
        Further arguments for ``send``: acceleration, mask, planning image ...
    truth
        Truth of a simulated case.
    """

    path: Path
    series_arguments: list[str] = field(default_factory=list)
    truth: Truth | None = None


def simulated_case(folder: Path, seed: int) -> Case:
    """Simulate a biopsy at R = 16 into ``folder`` (``case.h5`` and ``truth.json``)."""
    from TemporalReconLib.__main__ import main as temporal_recon

    path, truth = folder / "case.h5", folder / "truth.json"
    arguments = ["simulate", "--output", str(path), "--truth", str(truth), "--seed", str(seed)]
    arguments += ["--frames", str(SIMULATED_FRAMES), "--acceleration", str(SIMULATED_ACCELERATION), "--mask", "golden"]
    if temporal_recon(arguments) != 0:
        raise InputError("the simulator failed; see the line above")
    return Case(path, truth=Truth.read(truth))
