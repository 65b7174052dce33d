"""Makes the folder that readers get, and the key that they do not get."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path

from TemporalReconLib.errors import InputError
from TemporalReconLib.simulation.truth import FrameTruth

from InstrumentTrackerLib.evaluation.study.cases.study_case import StudyCase
from InstrumentTrackerLib.evaluation.study.cases.study_config import REFERENCE, StudyConfig
from InstrumentTrackerLib.evaluation.study.provenance import provenance
from InstrumentTrackerLib.evaluation.study.runs.case_work import OpenedCase
from InstrumentTrackerLib.evaluation.study.runs.run_key import RunKey
from InstrumentTrackerLib.evaluation.study.runs.tools import ToolSpec, tools
from InstrumentTrackerLib.evaluation.study.study import read_cases
from InstrumentTrackerLib.reading.answers import Position
from InstrumentTrackerLib.reading.counterbalance import hash_order, reading_orders
from InstrumentTrackerLib.reading.picture_file import picture_file, write_picture
from InstrumentTrackerLib.reading.reading_key import PictureKey, ReadingKey, write_key
from InstrumentTrackerLib.reading.reading_list import PICTURES_FOLDER, ReadingList, write_list

_PARTIAL = ".partial"


@dataclass(frozen=True)
class ReadingPlan:
    """How much is read.

    Attributes
    ----------
    n_readers
        Each gets a list of their own.
    seed
        Of frames, numbers and orders.
    absent_share
        Of the cases, that show a frame without the tip if they have one: else "not visible" would never be right.
    """

    n_readers: int
    seed: int = 0
    absent_share: float = 0.2


def conditions_of(config: StudyConfig) -> list[RunKey]:
    """The reference and every method, acceleration and mask, each with the first seed."""
    made = product(config.masks, config.methods, config.accelerations)
    return [
        RunKey(REFERENCE, 1.0, "", 0),
        *(RunKey(method, acceleration, mask, config.seeds[0]) for mask, method, acceleration in made),
    ]


def prepare_reading(
    folder: Path,
    key_file: Path,
    source: Path,
    config: StudyConfig,
    plan: ReadingPlan,
    device: str,
    progress: Callable[[str], None],
) -> ReadingKey:
    """Write pictures and lists into ``folder`` and the key beside it.

    Raises
    ------
    InputError
        If anything cannot be read or written, or too few cases are left; cases that cannot be shown in every condition
        are listed in the key instead.
    """
    require_free(folder, key_file)
    cases, listed = read_cases(source)
    excluded = [(each.patient, each.case, each.reason) for each in listed]
    partial = folder / _PARTIAL
    try:
        partial.mkdir(parents=True)
    except OSError as error:
        raise InputError(f"--output {folder}: cannot be made ({error.strerror or error})") from error
    try:
        conditions = conditions_of(config)
        entries: list[list[PictureKey]] = []
        places: list[Path] = []
        for number, study_case in enumerate(cases, start=1):
            progress(f"case {number}/{len(cases)} ({study_case.key})")
            place = partial / str(number)
            try:
                entries.append(_pictures(study_case, config, conditions, plan, device, place))
                places.append(place)
            except (InputError, OSError) as error:
                excluded.append((study_case.patient, study_case.name, " ".join(str(error).split())))
        orders = reading_orders(len(entries), len(conditions), plan.n_readers, plan.seed)
        key = _key(entries, config, plan, device, excluded)
        numbers = {(case, condition): name for name, (case, condition) in _numbers(entries, plan.seed).items()}
        (folder / PICTURES_FOLDER).mkdir()
        for (case, condition), name in numbers.items():
            final = picture_file(folder, name)
            (places[case] / f"{condition}.nrrd").replace(final)
            # The time of writing would tell which pictures belong together.
            os.utime(final, (0, 0))
        for reader, parts in enumerate(orders, start=1):
            named = tuple(tuple(numbers[showing] for showing in part) for part in parts)
            write_list(folder, ReadingList(key.reading, reader, config.point, named))
        write_key(key_file, key)
        return key
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def require_free(folder: Path, key_file: Path) -> None:
    """Refuse to write over a reading, or to hand out the key with the pictures; raises InputError."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"--output {folder}: is not empty; a reading that has begun is never written over")
    if key_file.exists():
        raise InputError(f"--key {key_file}: exists; without its key a reading is lost, give another name")
    if folder.resolve() in key_file.resolve().parents:
        raise InputError(f"--key {key_file}: lies in the readers' folder; keep it where no reader sees it")
    if not key_file.resolve().parent.is_dir():
        raise InputError(f"--key {key_file}: its folder does not exist; make it first")


def _pictures(
    case: StudyCase, config: StudyConfig, conditions: list[RunKey], plan: ReadingPlan, device: str, folder: Path
) -> list[PictureKey]:
    """Write the picture of each condition as ``N.nrrd``; what they are."""
    opened = OpenedCase(case, config, tools(ToolSpec.of(config, device)))
    index = _frame(case, opened.truths, config.point, plan)
    tip = _tip(opened.truths[index], config.point)
    fingerprint = case.fingerprint
    folder.mkdir()
    for number, run in enumerate(conditions):
        write_picture(folder / f"{number}.nrrd", opened.pictures(run, [index])[index])
    return [
        PictureKey(
            patient=case.patient,
            case=case.name,
            frame=index,
            origin=case.origin,
            method=run.method,
            acceleration=run.acceleration,
            mask=run.mask,
            seed=run.seed,
            fingerprint=fingerprint,
            tip=tip,
        )
        for run in conditions
    ]


def _frame(case: StudyCase, truths: tuple[FrameTruth | None, ...], point: str, plan: ReadingPlan) -> int:
    """The frame of a case that is read, drawn by the seed."""
    with_tip = [n for n, truth in enumerate(truths) if _tip(truth, point) is not None]
    without = [n for n, truth in enumerate(truths) if truth is not None and not truth.visible]
    draw = int.from_bytes(hashlib.sha256(f"{plan.seed}|{case.key}".encode()).digest()[:4], "big") / 2**32
    chosen = without if without and (draw < plan.absent_share or not with_tip) else with_tip
    if not chosen:
        raise InputError(f"no frame of which it is known where the {point} tip is, or that it is not there")
    return hash_order(chosen, plan.seed, case.key)[0]


def _tip(truth: FrameTruth | None, point: str) -> Position | None:
    tip = getattr(truth, f"{point}_tip") if truth is not None and truth.visible else None
    return None if tip is None else (float(tip[0]), float(tip[1]), float(tip[2]))


def _numbers(entries: list[list[PictureKey]], seed: int) -> dict[str, tuple[int, int]]:
    """(case, condition) by the number that the picture gets."""
    every = [(case, condition) for case, shown in enumerate(entries) for condition in range(len(shown))]
    width = len(str(len(every)))
    return {f"{number:0{width}d}": each for number, each in enumerate(hash_order(every, seed, "numbers"), start=1)}


def _key(
    entries: list[list[PictureKey]],
    config: StudyConfig,
    plan: ReadingPlan,
    device: str,
    excluded: list[tuple[str, str, str]],
) -> ReadingKey:
    pictures = {name: entries[case][condition] for name, (case, condition) in _numbers(entries, plan.seed).items()}
    text = json.dumps({number: asdict(picture) for number, picture in pictures.items()}) + f"|{plan}"
    reading = hashlib.sha256(text.encode()).hexdigest()[:12]
    made_with = provenance(config, device) | {"reading_plan": asdict(plan)}
    return ReadingKey(reading, config.point, pictures, made_with, tuple(excluded))
