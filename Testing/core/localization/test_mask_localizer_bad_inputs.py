"""What the mask localizer answers where there is nothing, or nothing sensible."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from bar_masks import a_localizer, mask_of, probabilities
from bar_phantom import BarOptions, draw_case
from InstrumentTrackerLib.segmentation.instrument_mask import InstrumentMask
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.errors import InputError

GEOMETRY = np.diag([1.1, 1.1, 3.0, 1.0])
SHAPES = [(1, 64, 64), (3, 256, 256), (60, 64, 64)]


@pytest.fixture(scope="module")
def case():
    return draw_case(720, BarOptions(gel=(0.8, 0.7), offset_mm=0.2, needle_mm=25.0))


def answer(data, values):
    labels = np.argmax(np.concatenate([np.full((1, *data.shape), 0.5), values]), axis=0).astype(np.uint8)
    mask = InstrumentMask(labels, GEOMETRY, 3, values.astype(np.float32))
    return a_localizer().localize(ImageFrame(data.astype(np.float32), GEOMETRY, index=3), mask)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_a_mask_without_instrument_or_full_of_it_finds_nothing(shape, level):
    pose = answer(np.random.default_rng(1).random(shape), np.full((2, *shape), level))
    assert not pose.is_present and pose.index == 3
    assert pose.guide_tip_covariance is None


@pytest.mark.parametrize("fill", [0.0, 7.0, -7.0])
def test_a_picture_of_one_value_is_no_evidence(case, fill):
    """Masks of real networks are empty there; a bar in the mask alone is at most a doubtful finding."""
    image = replace(case.image, data=np.full_like(case.image.data, fill))
    seen = a_localizer().localize(case.image, mask_of(case, probabilities(case)))
    pose = a_localizer().localize(image, mask_of(case, probabilities(case)))
    assert pose.confidence < seen.confidence
    assert fill > 0 or not pose.is_present


def test_noise_in_the_mask_is_refused():
    rng = np.random.default_rng(5)
    pose = answer(rng.random((3, 128, 128)), rng.random((2, 3, 128, 128)) * 0.6)
    assert not pose.is_present


def test_a_round_blob_is_not_a_guide(case):
    values = np.zeros((2, *case.image.data.shape), np.float32)
    rows, columns = np.ogrid[:256, :256]
    values[0][:, (rows - 130) ** 2 + (columns - 120) ** 2 < 11**2] = 1.0
    assert a_localizer().localize(case.image, mask_of(case, values)).confidence < 0.5


def test_a_needle_without_guide_is_not_reported(case):
    values = probabilities(case)
    values[0] = 0
    assert not a_localizer().localize(case.image, mask_of(case, values)).is_present


def test_a_guide_whose_both_ends_lie_outside_has_no_tip(case):
    values = np.zeros((2, *case.image.data.shape), np.float32)
    values[0, :, :, 120:130] = 1.0
    assert not a_localizer().localize(case.image, mask_of(case, values)).is_present


def test_negative_intensities_do_not_matter(case):
    mask = mask_of(case, probabilities(case))
    data = case.image.data.copy()
    data[data < 0.02] -= 50.0
    pose = a_localizer().localize(replace(case.image, data=data), mask)
    assert np.linalg.norm(pose.guide_tip - a_localizer().localize(case.image, mask).guide_tip) < 1.0


def test_a_missing_mask_is_named(case):
    with pytest.raises(InputError, match="no mask"):
        a_localizer().localize(case.image, None)


def test_the_mask_of_another_image_is_named(case):
    mask = mask_of(case, probabilities(case))
    moved = case.image.ijk_to_ras.copy()
    moved[0, 3] += 5.0
    with pytest.raises(InputError, match="do not fit"):
        a_localizer().localize(replace(case.image, ijk_to_ras=moved), mask)
    with pytest.raises(InputError, match="do not fit"):
        a_localizer().localize(case.image, InstrumentMask(mask.labels[:, :-2], mask.ijk_to_ras))
