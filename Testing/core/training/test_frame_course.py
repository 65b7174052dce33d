"""Courses through a stored series: what training shows stays inside it, and things happen in it."""

import numpy as np
import pytest
from TemporalReconLib.training.frame_course import random_course


def courses(n_available: int, n_frames: int, n: int = 400):
    generator = np.random.default_rng(5)
    return [random_course(generator, n_available, n_frames) for _ in range(n)]


@pytest.mark.parametrize(("n_available", "n_frames"), [(20, 16), (16, 16), (40, 16), (1, 1), (2, 2)])
def test_no_frame_lies_outside_of_the_series(n_available, n_frames):
    for course in courses(n_available, n_frames):
        assert course.shape == (n_frames,)
        assert course.min() >= 0 and course.max() < n_available


def test_half_of_the_courses_tell_the_story_as_it_was():
    as_it_was = np.mean([(np.diff(course) == 1).all() for course in courses(30, 16)])
    # And a few of the others, in which no jump was drawn.
    assert 0.45 < as_it_was < 0.65


def test_the_others_leap_backward_and_forward_about_twice_in_sixteen_frames():
    others = [course for course in courses(30, 16) if not (np.diff(course) == 1).all()]
    leaps = np.array([(np.abs(np.diff(course)) > 2).sum() for course in others])
    assert 1.5 < leaps.mean() < 3.0
    assert any((np.diff(course) < -2).any() for course in others)
