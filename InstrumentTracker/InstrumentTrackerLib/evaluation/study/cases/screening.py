"""Which cases take part: what can be seen without opening the images."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from TemporalReconLib.acquisition.series import check_input
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.evaluation.study.cases.study_case import (
    Exclusion,
    StudyCase,
    is_markups,
    is_mask,
    is_truth,
)


def screened(cases: Iterable[StudyCase]) -> tuple[list[StudyCase], list[Exclusion]]:
    """Those that can take part, sorted by name, and the others with the reason.

    A patient in two groups is out with all cases, because nobody knows to which group they belong. Of cases that
    occur twice, or of one INPUT under two names, the first takes part.
    """
    every = list(cases)
    groups: dict[str, set[str]] = defaultdict(set)
    for case in every:
        groups[case.patient].add(case.group)
    seen: set[str] = set()
    owners: dict[Path, str] = {}
    kept, excluded = [], []
    for case in every:
        reason = _group_reason(groups[case.patient]) or _file_reason(case)
        if reason is None and case.key in seen:
            reason = "duplicate case: patient and case occur before"
        owner = owners.setdefault(case.path.resolve(), case.key) if reason is None else case.key
        if owner != case.key:
            reason = f"duplicate case: the same INPUT as {owner}"
        seen.add(case.key)
        if reason is None:
            kept.append(case)
        else:
            excluded.append(Exclusion(case.patient, case.name, reason))
    return sorted(kept, key=lambda case: case.key), excluded


def _group_reason(groups: set[str]) -> str | None:
    return f"patient in {len(groups)} groups ({', '.join(map(repr, sorted(groups)))})" if len(groups) > 1 else None


def _file_reason(case: StudyCase) -> str | None:
    try:
        check_input(case.path)
        if case.planning is not None:
            check_input(case.planning)
    except InputError as error:
        return str(error)
    for path in (*case.annotations, *(path for _, paths in case.readers for path in paths)):
        if not path.is_file():
            return f"missing annotation: {path} does not exist"
        if not (is_markups(path) or is_truth(path) or is_mask(path)):
            return f"{path}: unknown kind of annotation; expected .mrk.json, .seg.nrrd, .nrrd or the simulator's .json"
    return None
