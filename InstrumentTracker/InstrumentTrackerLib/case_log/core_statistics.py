"""How near the cores came, over a case or several.

Errors are those of the moment of marking; a hit is a forecast from the needle's place, never histology.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from InstrumentTrackerLib.case_log.core_record import CoreRecord

_RESAMPLES = 1999
CONFIDENCE_LEVEL = 0.95


@dataclass(frozen=True)
class Spread:
    """Of one kind of error over cores.

    Attributes
    ----------
    interval
        95 % interval of the median (percentile bootstrap over cores); None with fewer than three cores.
    """

    n: int
    median: float
    p95: float
    interval: tuple[float, float] | None


@dataclass(frozen=True)
class CoreStatistics:
    """Counts and errors of some cores.

    Attributes
    ----------
    n, n_measured, n_judged, hits
        Cores; those with a measurement; those of which sampling was forecast; those that would sample their target.
    core_miss_mm
        The target's middle to the core.
    distance_mm, lateral_mm, depth_mm, angle_deg
        Errors of the tip; depth without its sign. None where no core has one.
    """

    n: int
    n_measured: int
    n_judged: int
    hits: int
    core_miss_mm: Spread | None
    distance_mm: Spread | None
    lateral_mm: Spread | None
    depth_mm: Spread | None
    angle_deg: Spread | None

    @classmethod
    def of(cls, records: Iterable[CoreRecord]) -> CoreStatistics:
        """Of all records together."""
        cores = list(records)
        return cls(
            n=len(cores),
            n_measured=sum(core.has_measurement for core in cores),
            n_judged=sum(core.would_sample is not None for core in cores),
            hits=sum(core.would_sample is True for core in cores),
            core_miss_mm=_spread([core.core_miss_mm for core in cores]),
            distance_mm=_spread([core.distance_mm for core in cores]),
            lateral_mm=_spread([core.lateral_mm for core in cores]),
            depth_mm=_spread([None if core.depth_mm is None else abs(core.depth_mm) for core in cores]),
            angle_deg=_spread([core.angle_deg for core in cores]),
        )


def by_target(records: Sequence[CoreRecord]) -> dict[str, CoreStatistics]:
    """Statistics of each target, in the order in which they were first sampled; empty name: no target."""
    names = dict.fromkeys(core.target_name for core in records)
    return {name: CoreStatistics.of(core for core in records if core.target_name == name) for name in names}


def _spread(values: Sequence[float | None]) -> Spread | None:
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if known.size == 0:
        return None
    median, p95 = np.percentile(known, (50, 95))
    return Spread(int(known.size), float(median), float(p95), _interval(known))


def _interval(values: np.ndarray) -> tuple[float, float] | None:
    if values.size < 3:
        return None
    # Drawn in one go: scipy.stats would take a second to load inside Slicer.
    draws = np.random.default_rng(0).choice(values, (_RESAMPLES, values.size))
    tail = 50.0 * (1.0 - CONFIDENCE_LEVEL)
    low, high = np.percentile(np.median(draws, axis=1), (tail, 100.0 - tail))
    return float(low), float(high)
