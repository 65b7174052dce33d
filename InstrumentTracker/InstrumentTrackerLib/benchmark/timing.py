"""How long the product takes per frame, alone on the machine."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from TemporalReconLib.benchmark.cost import device_name
from TemporalReconLib.benchmark.runs import Condition
from TemporalReconLib.reconstruction.device import select_device

from InstrumentTrackerLib.benchmark.case_runner import Case, contenders
from InstrumentTrackerLib.benchmark.plan import DIRECT_METHOD, Plan
from InstrumentTrackerLib.benchmark.registry import PRODUCT
from InstrumentTrackerLib.segmentation.registry import CLASSICAL, SegmenterSpec

TIMED_SLICES = 5
# First frames that are not timed: memory is allocated, caches and plans are made, the instrument comes in.
_WARM_UP = 4
# Nearest of the accelerations to this one.
_TYPICAL_ACCELERATION = 16.0


@dataclass(frozen=True)
class Timing:
    """Milliseconds per frame of segmentation, localization and tracking together."""

    device: str
    on_gpu: bool
    median_ms: float
    p95_ms: float

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def time_product(plan: Plan) -> Timing:
    """Play a series of five slices through the product, as fast as it goes."""
    # Without a segmenter nothing of it runs on a GPU.
    is_classical = SegmenterSpec.parse(plan.segmenter).kind == CLASSICAL
    device = select_device("cpu" if is_classical else plan.device)
    nearest = min(plan.accelerations, key=lambda r: abs(r - _TYPICAL_ACCELERATION))
    # The quickest reconstruction that shows the instrument; its own time does not count. The pace of the story does not
    # matter either, and in seconds five slices might be too slow for it.
    quick = replace(plan, method=DIRECT_METHOD, weights=None, test_set=replace(plan.test_set, seconds=0.0))
    case = Case(quick, 0, Condition(nearest, plan.mask), TIMED_SLICES)
    product = contenders(plan)[PRODUCT]
    product.start(case.planning)
    times = [1e3 * product.read(shown).seconds for shown in case.shown]
    times = times[min(_WARM_UP, len(times) - 1) :]
    return Timing(device_name(device), device.type == "cuda", float(np.median(times)), float(np.percentile(times, 95)))
