"""The results so far, on disk: a benchmark that was interrupted goes on where it stopped."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.output_file import written_atomically
from TemporalReconLib.benchmark.runs import Condition, Run
from TemporalReconLib.errors import InputError

RESULTS_FILE = "results.jsonl"
SETTINGS_FILE = "settings.json"
_PICTURES_FOLDER = "pictures"

Row = dict[str, Any]
Arrays = dict[str, NDArray[Any]]


class Results:
    """Rows of ``results.jsonl`` by run, and the kept pictures.

    Parameters
    ----------
    settings
        What all results of the folder have in common, JSON values.
    frames_at
        Rows of a finished run at an acceleration.

    Raises
    ------
    InputError
        If the folder cannot be made, or holds results under other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any], frames_at: Callable[[float], int]) -> None:
        self.folder = folder
        self._frames_at = frames_at
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"--output {folder}: cannot be made ({error.strerror or error})") from error
        self._require_same(settings)
        self._rows = self._read()

    def rows(self) -> list[Row]:
        """Rows of all finished runs."""
        return [row for rows in self._rows.values() for row in rows]

    def run_rows(self, run: Run) -> list[Row]:
        """Rows of a finished run in the order of its frames."""
        return self._rows[run]

    def has(self, run: Run, needs_pictures: bool) -> bool:
        """Whether a run is finished, with its pictures where they are needed."""
        return run in self._rows and (not needs_pictures or self._pictures_file(run).is_file())

    def add(self, run: Run, rows: list[Row], pictures: Arrays | None) -> None:
        """Keep a finished run, at once on disk."""
        if pictures is not None:
            path = self._pictures_file(run)
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_atomically(path) as temporary:
                np.savez_compressed(temporary, allow_pickle=False, **pictures)
        if run in self._rows:
            return
        self._rows[run] = rows
        with (self.folder / RESULTS_FILE).open("a", encoding="utf-8") as file:
            file.write(_as_lines(rows))

    def pictures(self, run: Run) -> Arrays | None:
        """What was kept of a run for the figures."""
        path = self._pictures_file(run)
        if not path.is_file():
            return None
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def drop(self, method: str, mark: str | None, name: str = "weights") -> int:
        """Forget the runs of a method whose rows state another mark (its weights); returns how many."""
        old = [run for run, rows in self._rows.items() if run.method == method and rows[0].get(name) != mark]
        for run in old:
            del self._rows[run]
            self._pictures_file(run).unlink(missing_ok=True)
        if old:
            self._write()
        return len(old)

    def _require_same(self, settings: Mapping[str, Any]) -> None:
        path = self.folder / SETTINGS_FILE
        wanted = json.loads(json.dumps(dict(settings)))
        if not path.is_file():
            with written_atomically(path) as temporary:
                temporary.write_text(json.dumps(wanted, indent=1), encoding="utf-8")
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(f"{path}: no JSON ({error}); give another --output") from error
        if not isinstance(found, dict):
            raise InputError(f"{path}: no settings of a benchmark; give another --output")
        differing = [
            f"{name} {_as_text(found[name]) if name in found else 'unknown'}, not {_as_text(wanted[name])}"
            for name in wanted
            if found.get(name) != wanted[name]
        ]
        if differing:
            raise InputError(
                f"--output {self.folder}: holds results with {'; '.join(differing)}: choose another --output, or give "
                "the same options as then"
            )

    def _read(self) -> dict[Run, list[Row]]:
        path = self.folder / RESULTS_FILE
        if not path.is_file():
            return {}
        lines = path.read_text(encoding="utf-8").splitlines()
        found: dict[Run, list[Row]] = defaultdict(list)
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                found[_run_of(row)].append(row)
            except (ValueError, KeyError, TypeError) as error:
                # The last line is cut where the machine stopped while it was written.
                if number < len(lines):
                    raise InputError(f"{path}: line {number} is no result; give another --output") from error
        finished = {
            run: rows for run, rows in found.items() if len(rows) == self._frames_at(run.condition.acceleration)
        }
        if sum(map(len, finished.values())) != len(lines):
            self._rows = finished
            self._write()
        return finished

    def _write(self) -> None:
        with written_atomically(self.folder / RESULTS_FILE) as temporary:
            temporary.write_text("".join(map(_as_lines, self._rows.values())), encoding="utf-8")

    def _pictures_file(self, run: Run) -> Path:
        condition = run.condition
        given = "with" if run.planning else "without"
        name = f"R{condition.acceleration:g}-{condition.mask}-{given}-{run.series}"
        return self.folder / _PICTURES_FOLDER / name / f"{run.method}.npz"


def _run_of(row: Row) -> Run:
    condition = Condition(float(row["acceleration"]), str(row["mask"]))
    return Run(str(row["method"]), int(row["series"]), condition, bool(row["planning"]))


def _as_text(setting: Any) -> str:
    return "none" if setting is None else json.dumps(setting)


def _as_lines(rows: Iterable[Row]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)
