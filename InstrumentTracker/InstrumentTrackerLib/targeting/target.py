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


@dataclass(frozen=True, eq=False, init=False)
class Target:
    """Where the needle should go.

    Attributes
    ----------
    position
        RAS mm (3,). LPS is converted before it comes here.
    entry
        RAS mm (3,) of the planned entry point, None where no path was planned.
    """

    position: Point
    entry: Point | None = None

    def __init__(self, position: ArrayLike, entry: ArrayLike | None = None) -> None:
        """Raises InputError if a point is not three finite plausible mm, or entry and target coincide."""
        target_point, entry_point = validated_point(position, "target"), validated_point(entry, "entry")
        if target_point is None:
            raise InputError("target: missing; expected three numbers R,A,S in mm")
        for name, point in (("target", target_point), ("entry", entry_point)):
            if point is not None and abs(point).max() > MAX_COORDINATE_MM:
                raise InputError(f"{name}: {point.tolist()} lies farther than 2 m from the isocenter; expected RAS mm")
        if entry_point is not None and float(((target_point - entry_point) ** 2).sum()) < MIN_PATH_MM**2:
            raise InputError("entry: lies on the target; give a point outside the body, or leave the entry out")
        object.__setattr__(self, "position", target_point)
        object.__setattr__(self, "entry", entry_point)

    @classmethod
    def parse(cls, target: str | None, entry: str | None = None) -> Target | None:
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
        return cls(_parse_point(target, "--target"), None if entry is None else _parse_point(entry, "--entry"))


def _parse_point(text: str, name: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3:
        raise InputError(f"{name}: '{text}' is not R,A,S; expected three numbers in mm, for example -12.5,30,5")
    return numbers
