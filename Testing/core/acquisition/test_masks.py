"""Sampling masks against the published line budgets and the promise of golden-ratio order."""

from __future__ import annotations

import numpy as np
import pytest
from TemporalReconLib.acquisition.masks import lines_per_frame, sampling_mask
from TemporalReconLib.errors import InputError


@pytest.mark.parametrize(("acceleration", "lines"), [(8, 32), (16, 16), (25, 11), (32, 8), (1, 256)])
@pytest.mark.parametrize("kind", ["paper", "golden"])
def test_every_slice_of_256_lines_has_the_published_budget(kind, acceleration, lines):
    mask = sampling_mask(kind, 256, 5, acceleration, frame_index=3, seed=7)
    assert mask.shape == (5, 256)
    assert mask.sum(axis=1).tolist() == [lines] * 5


@pytest.mark.parametrize("n_lines", [1, 2, 3])
@pytest.mark.parametrize("kind", ["paper", "golden"])
def test_images_of_few_rows_are_acquired_whole_without_acceleration(kind, n_lines):
    assert sampling_mask(kind, n_lines, 2, 1.0, frame_index=0).all()


@pytest.mark.parametrize(("acceleration", "published"), [(8, 94), (16, 54), (25, 40), (32, 27)])
def test_five_frames_share_as_many_unique_lines_as_published(acceleration, published):
    unique = [
        np.any(
            [sampling_mask("paper", 256, 1, acceleration, 5 * window + frame)[0] for frame in range(5)], axis=0
        ).sum()
        for window in range(40)
    ]
    assert np.mean(unique) == pytest.approx(published, abs=2)


def test_the_central_third_of_the_paper_budget_is_always_acquired():
    masks = np.array([sampling_mask("paper", 256, 2, 16, frame) for frame in range(50)]).reshape(-1, 256)
    always = np.flatnonzero(masks.all(axis=0))
    assert len(always) == 5
    assert 128 in always
    assert np.all(np.diff(always) == 1)


def test_outer_paper_lines_thin_out_with_distance_from_the_center():
    hits = np.sum([sampling_mask("paper", 256, 5, 8, frame).sum(axis=0) for frame in range(100)], axis=0)
    near = hits[[*range(96, 116), *range(140, 160)]].mean()
    far = hits[[*range(0, 20), *range(236, 256)]].mean()
    assert near > 1.5 * far


def test_paper_masks_differ_between_frames_and_slices_but_repeat_for_the_same_arguments():
    first = sampling_mask("paper", 256, 5, 16, 0, seed=1)
    assert np.array_equal(first, sampling_mask("paper", 256, 5, 16, 0, seed=1))
    assert not np.array_equal(first, sampling_mask("paper", 256, 5, 16, 1, seed=1))
    assert not np.array_equal(first, sampling_mask("paper", 256, 5, 16, 0, seed=2))
    assert not np.array_equal(first[0], first[1])


@pytest.mark.parametrize(("n_lines", "acceleration"), [(256, 16), (256, 32), (230, 23), (255, 15)])
def test_golden_order_repeats_no_line_before_all_were_acquired(n_lines, acceleration):
    lines = n_lines // acceleration
    count = np.sum(
        [sampling_mask("golden", n_lines, 1, acceleration, frame)[0] for frame in range(acceleration)], axis=0
    )
    assert lines * acceleration == n_lines
    assert count.tolist() == [1] * n_lines


def test_golden_lines_of_one_frame_leave_no_wide_gap():
    for frame in range(16):
        lines = np.flatnonzero(sampling_mask("golden", 256, 1, 16, frame)[0])
        gaps = np.diff([*lines, lines[0] + 256])
        assert gaps.max() <= 32  # twice the gap of an even comb


@pytest.mark.parametrize("acceleration", [0.5, 0, -4, 257, float("nan"), float("inf")])
def test_an_impossible_acceleration_is_refused(acceleration):
    with pytest.raises(InputError, match="acceleration"):
        lines_per_frame(256, acceleration)


def test_an_unknown_mask_kind_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="paper, golden"):
        sampling_mask("radial", 256, 1, 8, 0)
