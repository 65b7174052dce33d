"""The whole study: cases, runs, statistics, report."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from TemporalReconLib.errors import InputError
from TemporalReconLib.folder_lock import alone_in

from InstrumentTrackerLib.evaluation.study.cases.case_folder import read_folder
from InstrumentTrackerLib.evaluation.study.cases.manifest import read_manifest
from InstrumentTrackerLib.evaluation.study.cases.screening import screened
from InstrumentTrackerLib.evaluation.study.cases.study_case import Exclusion, StudyCase
from InstrumentTrackerLib.evaluation.study.cases.study_config import StudyConfig
from InstrumentTrackerLib.evaluation.study.provenance import provenance, results_version
from InstrumentTrackerLib.evaluation.study.runs.case_work import CaseTask, CaseWork
from InstrumentTrackerLib.evaluation.study.runs.journal import Journal
from InstrumentTrackerLib.evaluation.study.runs.run_key import runs_of
from InstrumentTrackerLib.evaluation.study.runs.schedule import Schedule
from InstrumentTrackerLib.reading.joined import Reading, join_reading

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """Told how far the study has come."""

    def start(self, n_cases: int, n_runs: int) -> None:
        """So much is to be done; the rest was done before."""

    def finished(self, case: str, n_runs: int) -> None:
        """A case is done."""

    def stage(self, text: str) -> None:
        """What is done after the runs."""


@dataclass(frozen=True)
class Study:
    """Finished runs of a study, and what takes no part in it.

    Attributes
    ----------
    rows
        In order of patient, case and run.
    reading
        What readers marked in pictures of the same cases.
    """

    config: StudyConfig
    rows: list[dict[str, Any]]
    excluded: list[Exclusion]
    journal: Journal
    provenance: dict[str, Any]
    reading: Reading = field(default_factory=Reading)


def read_cases(source: Path) -> tuple[list[StudyCase], list[Exclusion]]:
    """Cases of a folder or a CSV table that can take part, and the others with the reason.

    Raises
    ------
    InputError
        If there is no such source, or nothing in it.
    """
    if not source.exists():
        raise InputError(f"{source}: no such folder or table")
    cases, unreadable = read_folder(source) if source.is_dir() else read_manifest(source)
    kept, excluded = screened(cases)
    return kept, unreadable + excluded


def do_study(
    folder: Path, source: Path, config: StudyConfig, device: str, schedule: Schedule, listener: Listener
) -> Study:
    """Do what is missing in ``folder``.

    Raises
    ------
    InputError
        If source, weights or folder cannot be used, or another study is at work there; a single case that cannot is
        listed instead.
    """
    with alone_in(folder, "evaluate"):
        return _do_study(folder, source, config, device, schedule, listener)


def _do_study(
    folder: Path, source: Path, config: StudyConfig, device: str, schedule: Schedule, listener: Listener
) -> Study:
    cases, excluded = read_cases(source)
    version = results_version(config)
    journal = Journal(folder, version)
    if journal.n_dropped:
        logger.warning("%d rows of other code, weights or settings are replaced", journal.n_dropped)
    fingerprints = _fingerprints(cases, excluded)
    tasks = _open_tasks(fingerprints, config, journal)
    listener.start(len(tasks), sum(len(task.runs) for task in tasks))
    for outcome in schedule.outcomes(CaseWork(config, device, version), tasks):
        journal.add(outcome)
        excluded += outcome.excluded
        listener.finished(outcome.case.key, outcome.n_runs)
    journal.tidy()
    runs = runs_of(config)
    # A case that changed and cannot be used any more has old rows, which do not count.
    rows = [
        row
        for case, fingerprint in fingerprints.items()
        for row in journal.rows((case.patient, case.name, run) for run in runs)
        if row["fingerprint"] == fingerprint
    ]
    order = sorted(excluded, key=lambda each: (each.patient, each.case, each.reason))
    return Study(config, rows, order, journal, provenance(config, device) | {"cases": _counts(rows)})


def with_reading(study: Study, folder: Path, key_file: Path) -> Study:
    """A study with the readers' answers; cases that were read but do not fit are listed.

    Raises
    ------
    InputError
        As :func:`~InstrumentTrackerLib.reading.joined.join_reading`.
    """
    cases = {(row["patient"], row["case"]): row["fingerprint"] for row in study.rows}
    reading = join_reading(folder, key_file, study.config.point, cases)
    excluded = [*study.excluded, *(Exclusion(*each) for each in reading.excluded)]
    return replace(study, reading=reading, excluded=excluded)


def _fingerprints(cases: list[StudyCase], excluded: list[Exclusion]) -> dict[StudyCase, str]:
    """Of the cases whose files can be read; the others are added to ``excluded``."""
    found = {}
    for case in cases:
        try:
            found[case] = case.fingerprint
        except OSError as error:
            excluded.append(Exclusion(case.patient, case.name, f"cannot be read: {error}"))
    return found


def _open_tasks(fingerprints: dict[StudyCase, str], config: StudyConfig, journal: Journal) -> list[CaseTask]:
    tasks = []
    for case, fingerprint in fingerprints.items():
        runs = tuple(run for run in runs_of(config) if not journal.has(case.patient, case.name, run, fingerprint))
        if runs:
            tasks.append(CaseTask(case, runs, fingerprint))
    return tasks


def _counts(rows: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    patients: dict[str, set[str]] = defaultdict(set)
    cases: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        patients[row["origin"]].add(row["patient"])
        cases[row["origin"]].add(f"{row['patient']}/{row['case']}")
    return {origin: {"patients": len(patients[origin]), "cases": len(cases[origin])} for origin in sorted(patients)}
