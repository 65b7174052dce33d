"""Result rows on disk as they come: a study that was killed goes on where it stopped."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.evaluation.study.runs.case_work import CaseOutcome
from InstrumentTrackerLib.evaluation.study.runs.run_key import RunKey

RESULTS_FILE = "results.jsonl"
PICTURES_FOLDER = "pictures"

Row = dict[str, Any]
Place = tuple[str, str, RunKey]


class Journal:
    """``results.jsonl``, one row per line; a case is written when it is finished.

    Parameters
    ----------
    version
        Of code and weights; rows of another version do not mix with these and are dropped.

    Raises
    ------
    InputError
        If the folder cannot be made, or the file in it is something else.
    """

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder
        try:
            (folder / PICTURES_FOLDER).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--output {folder}: cannot be made ({error.strerror or error})") from error
        self._rows: dict[Place, Row] = {}
        self.n_dropped = 0
        self._read(version)

    def has(self, patient: str, case: str, run: RunKey, fingerprint: str) -> bool:
        """Whether a run is finished on these very files."""
        row = self._rows.get((patient, case, run))
        return row is not None and row["fingerprint"] == fingerprint

    def rows(self, places: Iterable[Place]) -> list[Row]:
        """Rows of these runs as far as they are finished, in order of patient, case and run."""
        return [self._rows[place] for place in sorted(set(places)) if place in self._rows]

    def add(self, outcome: CaseOutcome) -> None:
        """Keep a finished case, at once on disk."""
        for run, content in outcome.pictures.items():
            path = self.picture_file(outcome.case.patient, outcome.case.name, run)
            with written_atomically(path) as temporary:
                temporary.write_bytes(content)
        for row in outcome.rows:
            self._rows[_place(row)] = row
        with (self.folder / RESULTS_FILE).open("a", encoding="utf-8") as file:
            file.write("".join(map(_line, outcome.rows)))
            file.flush()
            os.fsync(file.fileno())

    def tidy(self) -> None:
        """Write all rows in order: the same bytes whatever the schedule was."""
        with written_atomically(self.folder / RESULTS_FILE) as temporary:
            temporary.write_text("".join(_line(self._rows[place]) for place in sorted(self._rows)), encoding="utf-8")

    def picture_file(self, patient: str, case: str, run: RunKey) -> Path:
        """Where the worst frame of a run is kept, if it failed."""
        text = f"{patient}|{case}|{run.method}|{run.acceleration:g}|{run.mask}|{run.seed}"
        return self.folder / PICTURES_FOLDER / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz"

    def _read(self, version: str) -> None:
        path = self.folder / RESULTS_FILE
        if not path.is_file():
            return
        lines = path.read_bytes().split(b"\n")
        is_cut = bool(lines[-1])
        for number, line in enumerate(lines[:-1], start=1):
            try:
                row = json.loads(line)
                place = _place(row)
                is_same = row["version"] == version
            except (ValueError, KeyError, TypeError) as error:
                raise InputError(f"{path}: line {number} is no result; give another --output") from error
            if is_same:
                self._rows[place] = row
            else:
                self.n_dropped += 1
        # The last line is cut where the machine stopped while it was written.
        if is_cut or self.n_dropped:
            self.tidy()


def _place(row: Mapping[str, Any]) -> Place:
    run = RunKey(str(row["method"]), float(row["acceleration"]), str(row["mask"]), int(row["seed"]))
    return str(row["patient"]), str(row["case"]), run


def _line(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, allow_nan=False, sort_keys=True) + "\n"
