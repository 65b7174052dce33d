"""The cases of a study as a folder: one folder per patient, annotations beside the images."""

from __future__ import annotations

from pathlib import Path

from TemporalReconLib.acquisition.series import HDF5_SUFFIXES, ITK_SUFFIXES, NRRD_SUFFIXES
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.evaluation.study.cases.study_case import Exclusion, StudyCase

_IMAGE_SUFFIXES = sorted((".seq.nrrd", *NRRD_SUFFIXES, *ITK_SUFFIXES, *HDF5_SUFFIXES), key=len, reverse=True)
_ANNOTATION_SUFFIXES = (".mrk.json", ".seg.nrrd", ".json")
_PLANNING = ".planning"


def read_folder(folder: Path) -> tuple[list[StudyCase], list[Exclusion]]:
    """Cases of ``FOLDER/PATIENT/CASE.nrrd`` (or any other INPUT, DICOM folders too), and what is none.

    Beside an INPUT lie ``CASE.mrk.json``, ``CASE.seg.nrrd`` or the simulator's ``CASE.json``, those of further readers
    as ``CASE.NAME.mrk.json``, and a planning image as ``CASE.planning.nrrd``.

    Raises
    ------
    InputError
        If there is no such folder, or no case in it.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give one with a folder per patient, or a .csv table")
    cases: list[StudyCase] = []
    excluded = [
        Exclusion("", path.name, "outside a patient's folder; put the files of each patient into one")
        for path in sorted(folder.iterdir())
        if path.is_file() and _image_stem(path) is not None
    ]
    for patient in sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")):
        found, left_out = _patient_cases(patient)
        cases += found
        excluded += left_out
    if not cases and not excluded:
        raise InputError(f"{folder}: no case found; expected FOLDER/PATIENT/CASE.nrrd with CASE.mrk.json beside it")
    return cases, excluded


def _patient_cases(patient: Path) -> tuple[list[StudyCase], list[Exclusion]]:
    files = sorted(patient.iterdir())
    images = [(stem, path) for path in files if (stem := _image_stem(path)) is not None]
    planning = {stem.removesuffix(_PLANNING): path for stem, path in images if stem.endswith(_PLANNING)}
    cases, excluded = [], []
    for stem, path in images:
        if stem.endswith(_PLANNING):
            continue
        annotations = tuple(found for suffix in _ANNOTATION_SUFFIXES if (found := patient / (stem + suffix)).is_file())
        if not annotations:
            reason = f"missing annotation: no {stem}.mrk.json, {stem}.seg.nrrd or {stem}.json beside it"
            excluded.append(Exclusion(patient.name, stem, reason))
            continue
        cases.append(
            StudyCase(patient.name, stem, path, annotations, planning.get(stem), readers=_readers(patient, stem))
        )
    return cases, excluded


def _readers(patient: Path, stem: str) -> tuple[tuple[str, tuple[Path, ...]], ...]:
    found = []
    for path in sorted(patient.glob(f"{_escaped(stem)}.*.mrk.json")):
        name = path.name[len(stem) + 1 : -len(".mrk.json")]
        if "." not in name:
            found.append((name, (path,)))
    return tuple(found)


def _image_stem(path: Path) -> str | None:
    """Name without the ending of an image; None for what is no INPUT."""
    if path.is_dir():
        return path.name if any(each.is_file() for each in path.iterdir()) else None
    name = path.name.lower()
    if name.startswith(".") or name.endswith(".seg.nrrd"):
        return None
    return next((path.name[: -len(suffix)] for suffix in _IMAGE_SUFFIXES if name.endswith(suffix)), None)


def _escaped(text: str) -> str:
    return "".join(f"[{letter}]" if letter in "[]*?" else letter for letter in text)
