"""One biopsy core as it was marked: where the needle was, against which target, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timezone
from typing import Any

import numpy as np
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle

Position = tuple[float, float, float]

# What stands instead of a tracking state where nobody was tracking.
NO_GUIDANCE = "no guidance"


@dataclass(frozen=True)
class CoreRecord:
    """A core; None where something was not known at that moment.

    A core that was marked without measurement has no tip, no axis and no errors: an old number is worse than none.

    Attributes
    ----------
    number
        As on the specimen's label, from 1.
    marked_at_s
        UTC epoch s of the marking.
    state
        Tracking state of the newest picture (``tracked``, ``predicted``, ``lost``, ``absent``, ``stale``), or
        ``no guidance``.
    target_name, target, target_radius_mm, entry
        The plan, RAS mm.
    guide_tip, needle_tip, axis
        RAS mm, unit vector from outside toward the tip.
    confidence
        0 to 1, of the pose.
    distance_mm, lateral_mm, core_miss_mm
        Tip to target, target to the needle's line, target's middle to the core; at least that much where
        ``is_partly_unknown``.
    depth_mm, angle_deg, projected_miss_mm
        As in :class:`~InstrumentTrackerLib.targeting.targeting_error.TargetingError`.
    is_partly_unknown
        The tip was not known in some direction, as through a single slice.
    verdict, margin_mm
        As in :class:`~InstrumentTrackerLib.targeting.assessment.Assessment`: ``hit``, ``edge``, ``miss`` or
        ``unsure``, with this safety margin; empty where nothing was assessed.
    would_sample
        The core comes within the target's radius (``hit`` or ``edge``); None where that is unsure.
    probability
        Of that, 0 to 1.
    throw_mm, notch_mm, dead_tip_mm
        The needle.
    has_fired
        The tip is that of a fired needle: the core lies behind it, not ahead.
    artifact_correction_mm
        By how much the needle tip was moved back from the end of its void.
    frame, time_s, picture_age_s, image_quality
        Of the picture in which the tip was found; time is UTC epoch s of the middle of its acquisition.
    note
        The user's words.
    picture
        Name of the picture's file in the case folder, empty without one.
    """

    number: int
    marked_at_s: float
    state: str = NO_GUIDANCE
    target_name: str = ""
    target: Position | None = None
    target_radius_mm: float | None = None
    entry: Position | None = None
    guide_tip: Position | None = None
    needle_tip: Position | None = None
    axis: Position | None = None
    confidence: float | None = None
    distance_mm: float | None = None
    lateral_mm: float | None = None
    depth_mm: float | None = None
    angle_deg: float | None = None
    projected_miss_mm: float | None = None
    core_miss_mm: float | None = None
    is_partly_unknown: bool = False
    verdict: str = ""
    margin_mm: float | None = None
    would_sample: bool | None = None
    probability: float | None = None
    throw_mm: float | None = None
    notch_mm: float | None = None
    dead_tip_mm: float | None = None
    has_fired: bool = False
    artifact_correction_mm: float | None = None
    frame: int | None = None
    time_s: float | None = None
    picture_age_s: float | None = None
    image_quality: float | None = None
    note: str = ""
    picture: str = ""

    def __post_init__(self) -> None:
        """Raises InputError that names the field of a value that cannot be."""
        for field in fields(self):
            value = _checked(field.name, str(field.type), getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        if self.number < 1:
            raise InputError(f"number: {self.number}; cores count from 1")

    @property
    def has_measurement(self) -> bool:
        return self.tip is not None and self.axis is not None

    @property
    def tip(self) -> Position | None:
        """The needle tip, else the guide tip, RAS mm."""
        return self.needle_tip if self.needle_tip is not None else self.guide_tip

    @property
    def tip_kind(self) -> str:
        """``needle`` or ``guide``: which tip the errors are of; empty without one."""
        return "needle" if self.needle_tip is not None else "guide" if self.guide_tip is not None else ""

    @property
    def core_mm(self) -> tuple[float, float] | None:
        """Begin and end of the core along the axis from the tip, mm; None without needle or measurement."""
        if self.throw_mm is None or self.notch_mm is None or self.dead_tip_mm is None or not self.has_measurement:
            return None
        return BiopsyNeedle(self.throw_mm, self.notch_mm, self.dead_tip_mm).core(self.has_fired)

    @property
    def core_points(self) -> tuple[Position, Position] | None:
        """Begin and end of the core, RAS mm."""
        core, tip, axis = self.core_mm, self.tip, self.axis
        if core is None or tip is None or axis is None:
            return None
        begin, end = (tuple(float(t + along * a) for t, a in zip(tip, axis, strict=True)) for along in core)
        return begin, end  # type: ignore[return-value]

    @property
    def name(self) -> str:
        """As the user meets it: ``Core 3 (left apex)``."""
        return f"Core {self.number} ({self.target_name})" if self.target_name else f"Core {self.number}"

    @property
    def time_utc(self) -> str:
        """ISO 8601 with milliseconds and Z."""
        moment = datetime.fromtimestamp(self.marked_at_s, timezone.utc)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, without those that are not known."""
        known = {name: value for name, value in asdict(self).items() if value is not None and value != ""}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in known.items()}

    @classmethod
    def from_dict(cls, values: Any) -> CoreRecord:
        """From the values of :meth:`to_dict`, by older versions as well; raises InputError that names the field."""
        if not isinstance(values, dict):
            raise InputError("core: expected an object with the fields of a core")
        values = _with_names_of_today(values)
        known = {field.name for field in fields(cls)}
        for name in values:
            if name not in known:
                raise InputError(f"{name}: unknown field; was the file written by a newer version?")
        for name in ("number", "marked_at_s"):
            if name not in values:
                raise InputError(f"{name}: missing")
        return cls(**values)


def _with_names_of_today(values: dict[str, Any]) -> dict[str, Any]:
    """Records were first written with ``time_s`` for the moment of marking and ``frame_time_s`` for the picture's."""
    if "marked_at_s" in values:
        return values
    names = {"time_s": "marked_at_s", "frame_time_s": "time_s"}
    return {names.get(name, name): value for name, value in values.items()}


def _checked(name: str, kind: str, value: Any) -> Any:
    """The value in the declared type."""
    if value is None and "None" in kind:
        return None
    base = kind.split(" | ")[0]
    if base == "Position":
        return _position(name, value)
    if base == "float":
        if isinstance(value, bool) or not isinstance(value, int | float | np.floating) or not math.isfinite(value):
            raise InputError(f"{name}: {value!r} is not a finite number")
        return float(value)
    expected = {"int": int, "str": str, "bool": bool}[base]
    if not isinstance(value, expected) or (base == "int" and isinstance(value, bool)):
        raise InputError(f"{name}: {value!r} is not of type {base}")
    return value


def _position(name: str, value: Any) -> Position:
    try:
        numbers = tuple(float(part) for part in value)
    except (TypeError, ValueError):
        numbers = ()
    if len(numbers) != 3 or not all(math.isfinite(number) for number in numbers):
        raise InputError(f"{name}: {value!r} is not three finite numbers in mm")
    return numbers
