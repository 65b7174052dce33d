"""Window and level follow the signal slowly, without flicker."""

from __future__ import annotations

import numpy as np
import pytest
from TemporalReconLib.window_level import WindowFollower, robust_window


def picture(scale: float) -> np.ndarray:
    return (scale * np.linspace(0.0, 1.0, 64 * 64).reshape(1, 64, 64)).astype(np.float32)


def test_the_first_picture_with_contrast_sets_window_and_level() -> None:
    follower = WindowFollower()
    assert follower.follow(picture(0.0)) is None
    chosen = follower.follow(picture(2.0))
    assert chosen == pytest.approx((2.178, 1.089), rel=1e-3)


def test_brightness_that_goes_up_and_down_changes_nothing() -> None:
    follower = WindowFollower()
    follower.follow(picture(1.0))
    assert [follower.follow(picture(1.0 + 0.4 * (index % 2))) for index in range(40)] == [None] * 40


def test_a_lasting_change_is_followed_in_small_steps_and_then_rests() -> None:
    follower = WindowFollower()
    before = follower.follow(picture(1.0))
    assert before is not None
    windows = [before[0]]
    for _ in range(200):
        change = follower.follow(picture(0.25))
        windows.append(windows[-1] if change is None else change[0])
    assert windows[-1] == pytest.approx(0.25 * before[0], rel=0.03)
    assert windows[-1] == windows[-50]
    assert np.abs(np.diff(np.log(windows))).max() < 0.031


def test_after_a_restart_the_next_picture_counts_at_once() -> None:
    follower = WindowFollower()
    follower.follow(picture(1.0))
    follower.restart()
    assert follower.follow(picture(100.0)) == pytest.approx((108.9, 54.45), rel=1e-2)


def test_large_pictures_are_sampled_and_give_the_same_window() -> None:
    random = np.random.default_rng(0).random((3, 512, 512), dtype=np.float32)
    assert robust_window(random) == pytest.approx(1.1 * float(np.percentile(random, 99.0)), rel=5e-3)
