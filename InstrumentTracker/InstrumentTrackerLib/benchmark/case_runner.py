"""All contenders on the same pictures: simulate once, reconstruct once, read every frame with each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from TemporalReconLib.benchmark.case_runner import Finished
from TemporalReconLib.benchmark.contenders import Contenders as Reconstructions
from TemporalReconLib.benchmark.runs import Condition, Run
from TemporalReconLib.benchmark.test_set import snr
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import slice_normal
from TemporalReconLib.simulation.simulated_series import simulate_series

from InstrumentTrackerLib.benchmark.acquired_frame import acquired_frame
from InstrumentTrackerLib.benchmark.contenders import Contender, LocalizerAlone, Product, SamplesAlone
from InstrumentTrackerLib.benchmark.masks import SegmentedMasks, TrueMasks
from InstrumentTrackerLib.benchmark.pictures import kept_pictures
from InstrumentTrackerLib.benchmark.plan import Plan
from InstrumentTrackerLib.benchmark.registry import PICTURES_ALONE, PRODUCT
from InstrumentTrackerLib.benchmark.shown import Shown
from InstrumentTrackerLib.benchmark.test_set import N_SLICES
from InstrumentTrackerLib.evaluation.cramer_rao import depth_bound_mm
from InstrumentTrackerLib.evaluation.measurement import Row, reported_row, truth_rows
from InstrumentTrackerLib.localization.classical.classical_localizer import ClassicalLocalizer
from InstrumentTrackerLib.localization.masks.calibration import Calibration
from InstrumentTrackerLib.localization.masks.mask_localizer import MaskLocalizer
from InstrumentTrackerLib.localization.masks.paper_rule import PaperRule
from InstrumentTrackerLib.localization.samples.sample_localizer import SampleLocalizer
from InstrumentTrackerLib.pipeline import TrackingPipeline
from InstrumentTrackerLib.segmentation.registry import make_segmenter, model_of


class Case:
    """A simulated series with its truth, and its pictures."""

    def __init__(self, plan: Plan, series: int, condition: Condition, n_slices: int = N_SLICES) -> None:
        config = plan.test_set.config(series, condition.acceleration, condition.mask, n_slices)
        self.simulated = simulate_series(config)
        self.kind = plan.test_set.kind(series)
        self.truths = self.simulated.truth.frames
        samples = [acquired_frame(self.simulated, n) for n in range(config.frames)]
        self.planning = self.simulated.planning if plan.planning else None
        images = reconstructions(plan).images(plan.method_at(condition.acceleration), samples, self.planning)
        self.shown = [Shown(images[n], samples[n], self.truths[n]) for n in range(config.frames)]

    def needle_bound_mm(self) -> float | None:
        """Cramer-Rao bound of the needle's depth from the samples of the last frame.

        None where the frame is fully sampled, shows no needle, or is too coarse for its model to move by 0.5 mm.
        """
        last = self.truths[-1]
        if not last.visible or last.needle_tip is None or self.simulated.config.acceleration == 1:
            return None
        try:
            return depth_bound_mm(self.simulated, last.index)
        except InputError:
            return None

    def common(self) -> Row:
        """What all rows of the case state."""
        config = self.simulated.config
        return {
            "seed": config.seed,
            "kind": self.kind,
            "orientation": config.orientation,
            "anatomy": "procedural" if config.background is None else config.background.name,
            "snr": round(snr(self.simulated), 2),
        }


@dataclass(frozen=True)
class CaseWork:
    """What a process does with the runs of one case; it can be sent to another process.

    Attributes
    ----------
    version
        Of the code and weights; see the registry.
    """

    plan: Plan
    version: str

    def __call__(self, runs: Sequence[Run]) -> Iterator[Finished]:
        case = Case(self.plan, runs[0].series, runs[0].condition)
        common = case.common() | {"version": self.version}
        truths = truth_rows(case.truths)
        truths[-1]["needle_bound_mm"] = case.needle_bound_mm()
        normal = slice_normal(case.simulated.ijk_to_ras)
        for run in runs:
            begin = time.perf_counter()
            contender = contenders(self.plan)[run.method]
            contender.start(case.planning)
            reports = [contender.read(shown) for shown in case.shown]
            identity = {
                "method": run.method,
                "series": run.series,
                "acceleration": run.condition.acceleration,
                "mask": run.condition.mask,
                "planning": run.planning,
            }
            rows = [
                identity | common | truth_row | reported_row(report, truth, normal)
                for truth_row, report, truth in zip(truths, reports, case.truths, strict=True)
            ]
            pictures = kept_pictures(case.shown, reports, case.simulated.plan) if run.method == PRODUCT else None
            yield Finished(run, rows, pictures, time.perf_counter() - begin)


@cache
def reconstructions(plan: Plan) -> Reconstructions:
    """Reconstruction methods, built once in a process."""
    weights = {} if plan.weights is None else {plan.method: plan.weights}
    return Reconstructions(plan.device, weights, plan.n_frames)


@cache
def contenders(plan: Plan) -> dict[str, Contender]:
    """Those of the plan by name, built once in a process."""
    segmenter = make_segmenter(plan.segmenter, plan.device, plan.segmenter_weights)
    calibration = Calibration.of_model(model_of(plan.segmenter, plan.segmenter_weights))
    masks = SegmentedMasks(segmenter)

    def pipeline() -> TrackingPipeline:
        return TrackingPipeline(segmenter=segmenter, calibration=calibration)

    builders: dict[str, Callable[[], Contender]] = {
        PRODUCT: lambda: Product(pipeline(), uses_samples=True),
        PICTURES_ALONE: lambda: Product(pipeline(), uses_samples=False),
        "mask-localizer": lambda: LocalizerAlone(MaskLocalizer(calibration), masks),
        "classical": lambda: LocalizerAlone(ClassicalLocalizer()),
        "samples": lambda: SamplesAlone(SampleLocalizer(), pipeline()),
        "paper-rule": lambda: LocalizerAlone(PaperRule(), masks),
        "paper-rule-true-masks": lambda: LocalizerAlone(PaperRule(), TrueMasks()),
    }
    return {name: builders[name]() for name in plan.contenders}
