"""What a study compares, and by which margins: a TOML or JSON file."""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import partial
from pathlib import Path
from typing import Any

from TemporalReconLib.acquisition.masks import MASK_KINDS
from TemporalReconLib.errors import InputError
from TemporalReconLib.reconstruction.registry import DEFAULT_METHOD, check_method

from InstrumentTrackerLib.evaluation.study.statistics.noninferiority import Margins
from InstrumentTrackerLib.segmentation.registry import DEFAULT_SEGMENTER, check_segmenter

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

# Pictures as they are, or fully sampled k-space: what everything is measured against.
REFERENCE = "reference"
POINTS = ("guide", "needle")
_MAX_BYTES = 2**20


@dataclass(frozen=True)
class StudyConfig:
    """Every method at every acceleration, order of lines and seed.

    Attributes
    ----------
    methods
        Names as ``--method`` takes them; the first is the main one.
    accelerations
        Full lines / acquired lines, ascending: the order in which they are tested.
    masks
        Orders of the lines.
    seeds
        Repetitions with other masks; a mask is drawn from the names of patient and case and this number.
    frames
        How an INPUT is played: ``time``, ``slices`` or ``repeat:N``; a case of the manifest may say otherwise.
    point
        Whose error decides: ``guide`` (the paper's tip) or ``needle``.
    segmenter
        As ``--segmenter`` takes it.
    margins
        Stated before any result is seen.
    weights
        By method; a learned method without an entry uses those that come with the product.
    segmenter_weights
        Of our segmentation network; None for those that come with the product.
    """

    methods: tuple[str, ...] = (DEFAULT_METHOD,)
    accelerations: tuple[float, ...] = (8.0, 16.0, 25.0, 32.0)
    masks: tuple[str, ...] = ("paper",)
    seeds: tuple[int, ...] = (0,)
    frames: str = "time"
    point: str = "guide"
    segmenter: str = DEFAULT_SEGMENTER
    margins: Margins = field(default_factory=Margins)
    weights: dict[str, Path] = field(default_factory=dict)
    segmenter_weights: Path | None = None

    def as_json(self) -> dict[str, Any]:
        """JSON types, in the shape of the file."""
        content = asdict(self)
        content["weights"] = {method: str(path) for method, path in self.weights.items()}
        content["segmenter_weights"] = None if self.segmenter_weights is None else str(self.segmenter_weights)
        return json.loads(json.dumps(content))


def read_config(path: Path) -> StudyConfig:
    """Read and check a config file; paths in it count from its folder.

    Raises
    ------
    InputError
        Names the file and the field that is wrong, and says what was expected.
    """
    content = dict(_content(path))
    known = {each.name for each in fields(StudyConfig)}
    _require_known(path, "", content, known)
    values: dict[str, Any] = {}
    for name, read in _READERS.items():
        if name in content:
            values[name] = read(path, name, content[name])
    if "margins" in content:
        values["margins"] = _margins(path, content["margins"])
    if "weights" in content:
        values["weights"] = _weights(path, content["weights"])
    if "segmenter_weights" in content:
        values["segmenter_weights"] = path.parent / _text(path, "segmenter_weights", content["segmenter_weights"])
    config = StudyConfig(**values)
    _check_together(path, config)
    return config


def _content(path: Path) -> Mapping[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise InputError(f"{path}: larger than 1 MB, expected a study's configuration")
        text = path.read_text(encoding="utf-8")
        if path.suffix.lower() == ".toml":
            return tomllib.loads(text)
        if path.suffix.lower() == ".json":
            content = json.loads(text)
            if isinstance(content, dict):
                return content
            raise InputError(f'{path}: expected a JSON object such as {{"methods": ["{DEFAULT_METHOD}"]}}')
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); give a .toml or .json file") from error
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"{path}: not readable as {path.suffix[1:].upper()} ({error})") from error
    raise InputError(f"{path}: unknown kind of configuration; expected .toml or .json")


def _check_together(path: Path, config: StudyConfig) -> None:
    for number, method in enumerate(config.methods):
        _refuse_as(path, f"methods[{number}]", partial(check_method, method, config.weights.get(method)))
    unused = sorted(set(config.weights) - set(config.methods))
    if unused:
        raise InputError(f"{path}: field 'weights.{unused[0]}': the method is not among 'methods'")
    _refuse_as(path, "segmenter", partial(check_segmenter, config.segmenter, config.segmenter_weights))


def _refuse_as(path: Path, name: str, check: Callable[[], object]) -> None:
    try:
        check()
    except InputError as error:
        raise InputError(f"{path}: field '{name}': {error}") from error


def _require_known(path: Path, prefix: str, content: Mapping[str, Any], known: set[str]) -> None:
    for name in content:
        if name not in known:
            raise InputError(f"{path}: unknown field '{prefix}{name}'; expected some of {', '.join(sorted(known))}")


def _listed(read: Callable[[Path, str, Any], Any]) -> Callable[[Path, str, Any], tuple[Any, ...]]:
    def read_list(path: Path, name: str, value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not value:
            raise InputError(f"{path}: field '{name}': expected a list with at least one entry, got {value!r:.60}")
        found = tuple(read(path, f"{name}[{number}]", entry) for number, entry in enumerate(value))
        if len(set(found)) < len(found):
            raise InputError(f"{path}: field '{name}': names something twice")
        return found

    return read_list


def _number(low: float, high: float) -> Callable[[Path, str, Any], float]:
    def read(path: Path, name: str, value: Any) -> float:
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or not low <= value <= high:
            raise InputError(f"{path}: field '{name}': expected a number from {low:g} to {high:g}, got {value!r:.60}")
        return float(value)

    return read


def _text(path: Path, name: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InputError(f"{path}: field '{name}': expected text, got {value!r:.60}")
    return value


def _one_of(choices: tuple[str, ...]) -> Callable[[Path, str, Any], str]:
    def read(path: Path, name: str, value: Any) -> str:
        if value not in choices:
            raise InputError(f"{path}: field '{name}': expected one of {', '.join(choices)}, got {value!r:.60}")
        return str(value)

    return read


def _seed(path: Path, name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**31:
        raise InputError(f"{path}: field '{name}': expected a whole number from 0, got {value!r:.60}")
    return value


def checked_frames(value: str, where: str) -> str:
    """``time``, ``slices`` or ``repeat:N``; raises InputError that begins with ``where``."""
    if value in ("time", "slices") or re.fullmatch(r"repeat:[1-9]\d{0,5}", value):
        return value
    raise InputError(f"{where}: expected time, slices or repeat:N, got '{value}'")


def _ascending(path: Path, name: str, value: Any) -> tuple[float, ...]:
    # Below 1 nothing is left out; 1 is the reference itself.
    found = _listed(_number(1.01, 1024))(path, name, value)
    if list(found) != sorted(found):
        raise InputError(f"{path}: field '{name}': expected ascending order, in which they are tested")
    return found


def _margins(path: Path, value: Any) -> Margins:
    limits = {"tip_error_mm": 50.0, "success_points": 100.0, "success_mm": 100.0, "penalty_mm": 1000.0}
    if not isinstance(value, dict):
        raise InputError(f"{path}: field 'margins': expected a table with {', '.join(limits)}, got {value!r:.60}")
    _require_known(path, "margins.", value, set(limits))
    return Margins(
        **{name: _number(1e-3, limits[name])(path, f"margins.{name}", entry) for name, entry in value.items()}
    )


def _weights(path: Path, value: Any) -> dict[str, Path]:
    if not isinstance(value, dict):
        raise InputError(f"{path}: field 'weights': expected a table METHOD = PATH, got {value!r:.60}")
    return {method: path.parent / _text(path, f"weights.{method}", entry) for method, entry in value.items()}


_READERS: dict[str, Callable[[Path, str, Any], Any]] = {
    "methods": _listed(_text),
    "accelerations": _ascending,
    "masks": _listed(_one_of(MASK_KINDS)),
    "seeds": _listed(_seed),
    "frames": lambda path, name, value: checked_frames(_text(path, name, value), f"{path}: field '{name}'"),
    "point": _one_of(POINTS),
    "segmenter": _text,
}
