"""Statistics over the frames of all series, for each method under each condition."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from TemporalReconLib.acquisition.masks import MASK_KINDS

Row = dict[str, Any]

# The first frames of a series have little or no history behind them.
N_FIRST_FRAMES = 5
ALL_FRAMES, LATER_FRAMES = "all", f"after the {N_FIRST_FRAMES}th"


@dataclass(frozen=True)
class Metric:
    """A column of the results."""

    key: str
    title: str
    unit: str
    higher_is_better: bool
    digits: int


TIP_PSNR = Metric("tip_psnr", "PSNR in 40 x 40 pixels at the tip", "dB", True, 1)
TIP_ERROR = Metric("tip_error_mm", "Tip error of the fixed localizer", "mm", False, 2)
METRICS = (
    TIP_PSNR,
    TIP_ERROR,
    Metric("tip_ssim", "SSIM in 40 x 40 pixels at the tip", "", True, 3),
    Metric("tip_nmse", "NMSE in 40 x 40 pixels at the tip", "", False, 4),
    Metric("psnr", "PSNR of the whole image", "dB", True, 1),
    Metric("ssim", "SSIM of the whole image", "", True, 3),
    Metric("nmse", "NMSE of the whole image", "", False, 4),
)
# The localizer on the noise-free truth: no method can be expected to do better.
FLOOR_KEY = "tip_floor_mm"


@dataclass(frozen=True)
class Setting:
    """What a column of a table stands for."""

    mask: str
    planning: bool
    acceleration: float

    @property
    def title(self) -> str:
        """Without the acceleration."""
        return f"{self.mask} mask, {'with' if self.planning else 'without'} planning scan"


@dataclass(frozen=True)
class Statistic:
    """Of a metric over frames; ``tail`` is the value that 95 % of the frames are better than."""

    median: float
    mean: float
    tail: float
    n: int


class Group:
    """All frames of one method in one setting.

    Attributes
    ----------
    n_series
        Series they come from.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = {(int(row["series"]), int(row["frame"])): row for row in rows}
        self.n_series = len({series for series, _ in self._rows})

    def values(self, key: str, frames: str = ALL_FRAMES) -> dict[tuple[int, int], float]:
        """A column by (series, frame), where it was measured."""
        first = 0 if frames == ALL_FRAMES else N_FIRST_FRAMES
        return {
            place: float(row[key])
            for place, row in self._rows.items()
            if place[1] >= first and row.get(key) is not None
        }

    def statistic(self, metric: Metric, frames: str = ALL_FRAMES) -> Statistic | None:
        """None where no frame was measured."""
        return _statistic(list(self.values(metric.key, frames).values()), metric.higher_is_better)

    def floor(self, frames: str = ALL_FRAMES) -> Statistic | None:
        """Tip error of the localizer on the truth in the same frames."""
        return _statistic(list(self.values(FLOOR_KEY, frames).values()), higher_is_better=False)


class Summary:
    """Results in groups.

    Attributes
    ----------
    groups
        By setting and method, both in the order of the tables.
    """

    def __init__(self, rows: Iterable[Row], order: Sequence[str]) -> None:
        collected: dict[tuple[Setting, str], list[Row]] = defaultdict(list)
        for row in rows:
            setting = Setting(str(row["mask"]), bool(row["planning"]), float(row["acceleration"]))
            collected[setting, str(row["method"])].append(row)
        rank = {method: number for number, method in enumerate(order)}

        def place(key: tuple[Setting, str]) -> tuple[int, bool, float, int, str]:
            setting, method = key
            mask = MASK_KINDS.index(setting.mask)
            return mask, not setting.planning, setting.acceleration, rank.get(method, len(rank)), method

        self.groups: dict[Setting, dict[str, Group]] = {}
        for setting, method in sorted(collected, key=place):
            self.groups.setdefault(setting, {})[method] = Group(collected[setting, method])

    @property
    def accelerations(self) -> list[float]:
        return sorted({setting.acceleration for setting in self.groups})

    @property
    def methods(self) -> list[str]:
        """Every method that has results, in the order of the tables."""
        return list(dict.fromkeys(method for groups in self.groups.values() for method in groups))

    def sections(self) -> dict[tuple[str, bool], list[Setting]]:
        """Settings that differ in acceleration only, by mask and planning."""
        found: dict[tuple[str, bool], list[Setting]] = {}
        for setting in self.groups:
            found.setdefault((setting.mask, setting.planning), []).append(setting)
        return found

    def entries(self) -> list[Row]:
        """One JSON object for each method, setting and choice of frames."""
        return [
            {
                "method": method,
                "acceleration": setting.acceleration,
                "mask": setting.mask,
                "planning": setting.planning,
                "frames": frames,
                "series": group.n_series,
                **{metric.key: _as_json(group.statistic(metric, frames)) for metric in METRICS},
                FLOOR_KEY: _as_json(group.floor(frames)),
            }
            for setting, groups in self.groups.items()
            for method, group in groups.items()
            for frames in (ALL_FRAMES, LATER_FRAMES)
        ]


def _statistic(values: list[float], higher_is_better: bool) -> Statistic | None:
    if not values:
        return None
    tail = np.percentile(values, 5 if higher_is_better else 95)
    return Statistic(float(np.median(values)), float(np.mean(values)), float(tail), len(values))


def _as_json(statistic: Statistic | None) -> Row | None:
    return None if statistic is None else asdict(statistic)
