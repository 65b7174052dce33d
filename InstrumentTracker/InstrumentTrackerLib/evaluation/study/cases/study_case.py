"""A case of a study: an INPUT, who it is of, and what is known to be in it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

REAL, SIMULATED = "real", "simulated"


@dataclass(frozen=True)
class StudyCase:
    """One INPUT of a patient.

    Attributes
    ----------
    patient
        Name of the cluster; never an identity.
    name
        Of the case, once per patient.
    path
        The INPUT.
    annotations
        Markups, masks or the simulator's truth; empty where there is no instrument.
    planning
        Fully sampled planning image, None without one.
    group
        Of the patient, such as a center; empty if not stated.
    frames
        How the INPUT is played; None as the study says.
    readers
        (name, annotation files) of further readers.
    """

    patient: str
    name: str
    path: Path
    annotations: tuple[Path, ...] = ()
    planning: Path | None = None
    group: str = ""
    frames: str | None = None
    readers: tuple[tuple[str, tuple[Path, ...]], ...] = ()

    @property
    def key(self) -> str:
        return f"{self.patient}/{self.name}"

    @property
    def origin(self) -> str:
        """Simulated where the simulator's truth is the annotation; the two are never pooled."""
        return SIMULATED if any(is_truth(path) for path in self.annotations) else REAL

    @property
    def fingerprint(self) -> str:
        """Changes with what the result depends on: the case's annotations, and name, size and time of its images."""
        digest = hashlib.sha256(f"{self.key}|{self.frames}".encode())
        for path in self.annotations:
            digest.update(path.read_bytes())
        for path in filter(None, (self.path, self.planning)):
            state = path.stat()
            digest.update(f"{path.name}|{state.st_size}|{state.st_mtime_ns}".encode())
        return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Exclusion:
    """A case, or a part of it, that takes no part, and why."""

    patient: str
    case: str
    reason: str


def is_truth(path: Path) -> bool:
    """Whether a file is named as the simulator's truth."""
    return path.suffix.lower() == ".json" and not is_markups(path)


def is_markups(path: Path) -> bool:
    """Whether a file is named as Slicer's markups."""
    return path.name.lower().endswith(".mrk.json")


def is_mask(path: Path) -> bool:
    """Whether a file is named as a segmentation."""
    return path.name.lower().endswith((".nrrd", ".nhdr"))
