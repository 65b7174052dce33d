"""Outputs are checked before the long work, and no slip of the hand overwrites an input."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from TemporalReconLib.acquisition.output_file import require_writable
from TemporalReconLib.errors import InputError

SEQUENCE_SUFFIXES = (".nrrd",)
ISMRMRD_SUFFIXES = (".h5", ".hdf5", ".mrd")
TABLE_SUFFIXES = (".csv",)
JSON_SUFFIXES = (".json",)


def check_outputs(outputs: Mapping[str, tuple[Path | None, tuple[str, ...]]], *inputs: Path | None) -> None:
    """Find out whether every output can be written under its name.

    Parameters
    ----------
    outputs
        Path (None where not asked for) and allowed endings of each option, such as ``--output``.
    inputs
        Files that the command reads.

    Raises
    ------
    InputError
        If an output cannot be written, its name has another ending, or two options (or an input) name one file.
    """
    taken = {path.resolve(): "the input" for path in inputs if path is not None}
    for option, (path, suffixes) in outputs.items():
        if path is None:
            continue
        if not path.name.lower().endswith(suffixes):
            raise InputError(f"{option} {path}: the name must end in {' or '.join(suffixes)}")
        require_writable(path)
        other = taken.setdefault(path.resolve(), option)
        if other != option:
            raise InputError(f"{option} {path}: is {other} as well; give different files")
