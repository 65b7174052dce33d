"""Several planned targets, and which of them the needle can reach."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from TemporalReconLib.errors import InputError

from InstrumentTrackerLib.targeting.biopsy_needle import BiopsyNeedle
from InstrumentTrackerLib.targeting.target import DEFAULT_RADIUS_MM, Target
from InstrumentTrackerLib.targeting.targeting_error import TargetingError
from InstrumentTrackerLib.tracking.tracked_pose import TrackedPose

# How far the tip can still be pushed by hand.
REACH_MM = 60.0


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets of different names, in the order in which they were given."""

    items: tuple[Target, ...] = ()

    def __post_init__(self) -> None:
        """Raises InputError if two targets have the same name."""
        names = [target.name for target in self.items]
        for name in names:
            if names.count(name) > 1:
                raise InputError(f"target '{name}': given twice; name each target, for example --target left=-12,30,5")

    @classmethod
    def parse(cls, texts: Sequence[str], entry: str | None = None, radius_mm: float = DEFAULT_RADIUS_MM) -> Targets:
        """From texts ``[NAME=]R,A,S`` in mm; without a name, they are called ``target``, ``target 2`` and so on.

        Raises
        ------
        InputError
            As :meth:`Target.parse`.
        """
        if not texts:
            Target.parse(None, entry)  # refuses an entry alone
        parsed = (Target.parse(position, entry, name, radius_mm) for name, position in _named(texts))
        return cls(tuple(target for target in parsed if target is not None))

    def __iter__(self) -> Iterator[Target]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    def nearest_reachable(self, tracked: TrackedPose, needle: BiopsyNeedle) -> Target | None:
        """The target nearest to the tip that a straight advance and a shot would sample; None if there is none."""
        reachable = [
            (error.distance_mm, number)
            for number, target in enumerate(self.items)
            if (error := _error(tracked, target)) is not None
            and _is_reachable(error, target, needle.core(tracked.tip_is_fired))
        ]
        return self.items[min(reachable)[1]] if reachable else None


def _named(texts: Sequence[str]) -> Iterator[tuple[str, str]]:
    for number, text in enumerate(texts, 1):
        name, separator, position = text.rpartition("=")
        yield (name.strip() if separator else "target" if number == 1 else f"target {number}"), position


def _error(tracked: TrackedPose, target: Target) -> TargetingError | None:
    if tracked.tip is None or tracked.axis is None:
        return None
    return TargetingError.of(tracked.tip, tracked.axis, target.position, target.entry)


def _is_reachable(error: TargetingError, target: Target, core: tuple[float, float]) -> bool:
    """Some core between the one of now and the one after the longest advance comes near enough."""
    behind_or_beyond = max(core[0] - error.depth_mm, error.depth_mm - (REACH_MM + core[1]), 0.0)
    return math.hypot(error.lateral_mm, behind_or_beyond) <= target.radius_mm
