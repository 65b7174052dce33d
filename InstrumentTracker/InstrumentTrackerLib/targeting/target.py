"""The planned biopsy target."""

from __future__ import annotations

from dataclasses import dataclass

from numpy.typing import ArrayLike
from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.localization.instrument_pose import Point, validated_point

# Nearer than this, entry and target state no direction.
MIN_PATH_MM = 1.0
# Farther from the origin than this, a number is a slip of the hand or another unit.
MAX_COORDINATE_MM = 2000.0
# A core that comes as near as this to the middle of a lesion samples it: a lesion of 6 mm, or a point and what
# registration leaves uncertain.
DEFAULT_RADIUS_MM, MAX_RADIUS_MM = 3.0, 50.0
MAX_NAME_LENGTH = 40


@dataclass(frozen=True, eq=False, init=False)
class Target:
    """Where the needle should go.

    Attributes
    ----------
    position
        RAS mm (3,). LPS is converted before it comes here.
    entry
        RAS mm (3,) of the planned entry point, None where no path was planned.
    name
        What the user calls it: printable ASCII.
    radius_mm
        A core within this distance of ``position`` samples the target.
    """

    position: Point
    entry: Point | None = None
    name: str = "target"
    radius_mm: float = DEFAULT_RADIUS_MM

    def __init__(
        self,
        position: ArrayLike,
        entry: ArrayLike | None = None,
        name: str = "target",
        radius_mm: float = DEFAULT_RADIUS_MM,
    ) -> None:
        """Raises InputError if a point is not three finite plausible mm, or entry and target coincide."""
        if not (0 < len(name) <= MAX_NAME_LENGTH and name.isascii() and name.isprintable()):
            raise InputError(f"target: the name {name!r} is not 1 to {MAX_NAME_LENGTH} printable ASCII characters")
        if not 0.0 < radius_mm <= MAX_RADIUS_MM:
            raise InputError(f"{name}: radius {radius_mm} is not within 0 to {MAX_RADIUS_MM:.0f} mm")
        target_point, entry_point = validated_point(position, "target"), validated_point(entry, "entry")
        if target_point is None:
            raise InputError("target: missing; expected three numbers R,A,S in mm")
        for which, point in (("target", target_point), ("entry", entry_point)):
            if point is not None and abs(point).max() > MAX_COORDINATE_MM:
                raise InputError(f"{which}: {point.tolist()} lies farther than 2 m from the isocenter; expected RAS mm")
        if entry_point is not None and float(((target_point - entry_point) ** 2).sum()) < MIN_PATH_MM**2:
            raise InputError("entry: lies on the target; give a point outside the body, or leave the entry out")
        object.__setattr__(self, "position", target_point)
        object.__setattr__(self, "entry", entry_point)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "radius_mm", float(radius_mm))

    @classmethod
    def parse(
        cls,
        target: str | None,
        entry: str | None = None,
        name: str = "target",
        radius_mm: float = DEFAULT_RADIUS_MM,
    ) -> Target | None:
        """From texts ``R,A,S`` in mm as given to ``--target`` and ``--entry``; None without both.

        Raises
        ------
        InputError
            If a text is not three numbers, or there is an entry without a target.
        """
        if target is None:
            if entry is not None:
                raise InputError("--entry: given without --target; an entry alone states no path")
            return None
        entry_point = None if entry is None else _parse_point(entry, "--entry")
        return cls(_parse_point(target, "--target"), entry_point, name, radius_mm)


def _parse_point(text: str, name: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3:
        raise InputError(f"{name}: '{text}' is not R,A,S; expected three numbers in mm, for example -12.5,30,5")
    return numbers
