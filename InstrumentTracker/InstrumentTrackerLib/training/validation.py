"""How well a network labels examples that it never saw, and how near its labels end to the tips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates
from TemporalReconLib.training.stored_series import VALIDATION_SEEDS_FROM
from torch import nn

from InstrumentTrackerLib.localization.instrument_shape import CAP_REACH_MM
from InstrumentTrackerLib.segmentation.working_grid import PIXEL_MM
from InstrumentTrackerLib.training.example_stream import stacked
from InstrumentTrackerLib.training.examples import Example, random_example
from InstrumentTrackerLib.training.picture import Picture
from InstrumentTrackerLib.training.rendered_pictures import RenderedPictures
from InstrumentTrackerLib.training.simulated_pictures import METHODS, pictures_of, random_series
from InstrumentTrackerLib.training.swept_pictures import swept_pictures

_N_SERIES = 10
_EVERY = 3
_N_SWEPT = 4
_N_RENDERED = 32
_BATCH = 16
# Along the axis: how far before and beyond a tip the end of the label is looked for; errors are cut off there.
_BEFORE_MM, _BEYOND_MM, _STEP_MM = 15.0, 15.0, 0.25
_ACROSS_MM = (-1.0, 0.0, 1.0)
# A picture without instrument in which this many pixels are labelled is a false alarm.
_ALARM_PIXELS = 30


@dataclass(frozen=True)
class Validation:
    """Means over the held-out examples.

    Attributes
    ----------
    dice_guide, dice_needle
        Of all labelled pixels together, at 0.5.
    guide_tip_mm, needle_tip_mm
        Distance along the true axis from the tip to where the label says it is; at most 15 mm, which a miss counts.
    false_alarms
        Share of examples without instrument that got labels.
    """

    dice_guide: float
    dice_needle: float
    guide_tip_mm: float
    needle_tip_mm: float
    false_alarms: float

    @property
    def score(self) -> float:
        """One number to choose the best checkpoint by: overlap, less 1/20 per mm at the tips, less 1/10 of the alarms.

        Few examples are without instrument: one of them may not decide.
        """
        tips = 0.5 * (self.guide_tip_mm + self.needle_tip_mm)
        return 0.5 * (self.dice_guide + self.dice_needle) - 0.05 * tips - 0.1 * self.false_alarms

    @property
    def figures(self) -> dict[str, float]:
        return asdict(self)


def validation_batches(seed: int, backgrounds: Sequence[Path], size: int) -> list[Example]:
    """The same batches for the same seed: simulated ones in every method's style, slices as time, rendered ones."""
    generator = np.random.default_rng([seed, 1])
    pictures: list[Picture] = []
    for number in range(_N_SERIES):
        series = random_series(VALIDATION_SEEDS_FROM + number)
        pictures += islice(pictures_of(series, METHODS[number % len(METHODS)]), 1, None, _EVERY)
    for number in range(_N_SWEPT):
        swept = swept_pictures(VALIDATION_SEEDS_FROM + _N_SERIES + number, method="temporal")
        pictures += islice(swept, 0, None, _EVERY)
    rendered = RenderedPictures(generator, backgrounds, n_procedural=2, uses_of_volume=_N_RENDERED // 2)
    pictures += [rendered.next() for _ in range(_N_RENDERED)]
    examples = [random_example(generator, picture, size) for picture in pictures]
    return [stacked(examples[first : first + _BATCH]) for first in range(0, len(examples), _BATCH)]


def validate(network: nn.Module, batches: Sequence[Example], device: torch.device) -> Validation:
    """Judge a network in evaluation mode."""
    was_training = network.training
    network.eval()
    overlap, total = np.zeros(2), np.zeros(2)
    errors: tuple[list[float], list[float]] = ([], [])
    alarms = []
    for batch in batches:
        logits = network(batch.slices.to(device, memory_format=torch.channels_last))
        probabilities = logits.float().softmax(dim=1)[:, 1:].cpu()
        found, true = probabilities >= 0.5, batch.target >= 0.5
        overlap += 2 * (found & true).sum(dim=(0, 2, 3)).numpy()
        total += (found.sum(dim=(0, 2, 3)) + true.sum(dim=(0, 2, 3))).numpy()
        for example, tips in enumerate(batch.tips.numpy()):
            for label, reach in ((0, CAP_REACH_MM), (1, 0.0)):
                if np.isfinite(tips[label]).all():
                    end = label_end(probabilities[example, label].numpy(), tips[label], tips[2 + label])
                    errors[label].append(min(abs(end - reach), _BEYOND_MM))
            if not true[example].any():
                alarms.append(float(found[example].sum() > _ALARM_PIXELS))
    network.train(was_training)
    dice = overlap / np.maximum(total, 1)
    guide, needle = (float(np.mean(values)) if values else 0.0 for values in errors)
    return Validation(float(dice[0]), float(dice[1]), guide, needle, float(np.mean(alarms)) if alarms else 0.0)


def label_end(probability: NDArray[np.float32], tip: NDArray, direction: NDArray, pixel_mm: float = PIXEL_MM) -> float:
    """Where along the true axis the label ends, mm beyond ``tip``; infinite where there is none.

    Parameters
    ----------
    probability
        (row, col).
    tip, direction
        (col, row), and a unit vector in the same order.
    pixel_mm
        Size of its pixels.
    """
    along = np.arange(-_BEFORE_MM, CAP_REACH_MM + _BEYOND_MM, _STEP_MM) / pixel_mm
    across = np.array(_ACROSS_MM) / pixel_mm
    side = np.array([-direction[1], direction[0]])
    points = tip + along[:, None, None] * direction + across[None, :, None] * side
    profile = map_coordinates(probability, [points[..., 1], points[..., 0]], order=1).mean(axis=1)
    inside = np.flatnonzero(profile >= 0.5)
    if inside.size == 0:
        return float("inf")
    last = int(inside[-1])
    if last + 1 == profile.size:
        return float(along[last] * pixel_mm)
    share = (profile[last] - 0.5) / (profile[last] - profile[last + 1])
    return float((along[last] + share * (along[1] - along[0])) * pixel_mm)
