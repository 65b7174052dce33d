"""Lag, noise and honesty of the filter against courses that are known exactly."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.tracking.known_directions import UNKNOWN_FROM, KnownDirections
from InstrumentTrackerLib.tracking.motion_filter import MotionFilter, Unrest
from InstrumentTrackerLib.tracking.tracked_pose import TrackingState
from made_up_poses import ACROSS, AXIS, INTERVALS_S, Course
from scipy.spatial.transform import Rotation
from scipy.stats import chi2

HAND = Unrest((80.0, 40.0), (6.0, 4.0), (30.0, 12.0), 0.1)


@pytest.mark.parametrize("interval_s", INTERVALS_S)
@pytest.mark.parametrize("speed_mm_s", [5.0, 15.0, 40.0])
def test_an_even_advance_is_followed_with_less_lag_than_half_a_frame(interval_s, speed_mm_s):
    """From rest: the guide slides and the needle with it; after the first second the lag is almost none."""
    course = Course(interval_s)
    course.rest(needle_mm=15)
    errors = []
    for frame in range(1, 2 + round(3.0 / interval_s)):
        travelled = speed_mm_s * frame * interval_s
        tracked = course.see(travelled * AXIS, needle_mm=15)
        errors.append(travelled + 15 - (np.nan if tracked.needle_tip is None else tracked.needle_tip @ AXIS))
        assert tracked.state is TrackingState.TRACKED
    settled = errors[round(1.0 / interval_s) :]
    assert np.max(np.abs(settled)) <= 0.1 * speed_mm_s * interval_s
    assert np.mean(np.abs(errors)) <= 0.5 * speed_mm_s * interval_s


@pytest.mark.parametrize(
    ("interval_s", "speed_mm_s"),
    [(0.036, 5.0), (0.036, 20.0), (0.036, 40.0), (0.22, 5.0), (0.22, 20.0), (0.22, 40.0), (0.73, 5.0), (0.73, 20.0)],
)
def test_a_needle_pushed_through_a_resting_guide_is_followed_without_lag(interval_s, speed_mm_s):
    course = Course(interval_s)
    course.rest(needle_mm=8)
    lags = []
    for frame in range(1, 2 + round(1.0 / interval_s)):
        depth = 8 + speed_mm_s * frame * interval_s
        tracked = course.see(needle_mm=depth)
        lags.append(np.nan if tracked.needle_tip is None else depth - tracked.needle_tip @ AXIS)
    assert abs(lags[-1]) <= 0.5 * speed_mm_s * interval_s
    assert abs(tracked.guide_tip @ AXIS) < 0.2


@pytest.mark.parametrize(("interval_s", "gain"), [(0.036, 0.6), (0.22, 0.85), (0.73, 1.0)])
def test_noise_is_reduced_while_the_guide_rests(interval_s, gain):
    rng = np.random.default_rng(900_001)
    raw, filtered = [], []
    course = Course(interval_s)
    for _ in range(200):
        noise = rng.normal(0, 0.6, 3)
        tracked = course.see(noise)
        raw.append(np.linalg.norm(noise))
        filtered.append(np.linalg.norm(tracked.guide_tip))
    assert np.mean(filtered[10:]) < gain * np.mean(raw[10:])


def test_the_stated_covariance_covers_the_error_at_rest_and_in_motion():
    """Squared Mahalanobis distances of the truth: not more than a chi-square of three degrees allows."""
    rng = np.random.default_rng(900_002)
    squared = []
    for speed_mm_s in (0.0, 10.0, 30.0):
        course = Course(0.15)
        for frame in range(120):
            truth = speed_mm_s * 0.15 * frame * AXIS
            tracked = course.see(truth + rng.normal(0, 0.6, 3))
            if frame > 10:
                error = tracked.guide_tip - truth
                squared.append(error @ np.linalg.solve(tracked.tip_covariance, error))
    assert np.mean(squared) < 3.3
    assert np.mean(np.array(squared) > chi2.ppf(0.95, 3)) < 0.08


@pytest.mark.parametrize(("unknown_variance", "digits_mm"), [(1e6, 1e-6), (1e9, 1e-4)])
def test_what_is_unknown_stays_unknown_and_costs_the_known_directions_no_digit(unknown_variance, digits_mm):
    """An oblique plane, 200 frames: within the plane as with exactly stated directions, through it still unknown."""
    rng = np.random.default_rng(900_003)
    basis = Rotation.from_euler("xyz", [31, -47, 12], degrees=True).as_matrix()
    in_plane, normal = basis[:2], basis[2]
    exact = KnownDirections(in_plane, np.array([0.3, 0.5]), basis[2:])
    stated = KnownDirections.of(basis.T @ np.diag([0.3, 0.5, unknown_variance]) @ basis)
    filters = [MotionFilter(np.zeros(3), exact, HAND), MotionFilter(np.zeros(3), stated, HAND)]
    for frame in range(1, 200):
        position = 0.5 * frame * in_plane[0] + basis.T @ rng.normal(0, 0.6, 3)
        for each, measured in zip(filters, (exact, stated), strict=True):
            each.predict(0.1, in_plane[0])
            each.update(position, measured)
    np.testing.assert_allclose(in_plane @ filters[1].position, in_plane @ filters[0].position, atol=digits_mm)
    inside = [in_plane @ each.covariance @ in_plane.T for each in filters]
    np.testing.assert_allclose(inside[1], inside[0], atol=digits_mm)
    assert np.linalg.norm(inside[0]) < 0.8
    assert normal @ filters[1].covariance @ normal >= UNKNOWN_FROM


def test_a_point_of_unknown_position_through_the_plane_is_drawn_where_it_is_seen():
    normal = np.array([0.0, 0.6, -0.8])
    unknown = KnownDirections.of(0.25 * np.eye(3) + 1e6 * np.outer(normal, normal))
    follower = MotionFilter(np.zeros(3), unknown, HAND)
    follower.predict(0.2, ACROSS)
    follower.update(3.0 * normal, unknown)
    assert follower.position @ normal == pytest.approx(3.0)


def test_knowledge_through_the_plane_is_kept_when_a_single_slice_cannot_tell():
    normal = np.array([0.0, 0.6, -0.8])
    known = KnownDirections.of(0.25 * np.eye(3))
    unknown = KnownDirections.of(0.25 * np.eye(3) + 1e6 * np.outer(normal, normal))
    follower = MotionFilter(2.0 * normal, known, HAND)
    follower.predict(0.05, AXIS)
    follower.update(0.0 * normal, unknown)
    assert follower.position @ normal == pytest.approx(2.0, abs=1e-6)
    assert normal @ follower.covariance @ normal > 0.25


@pytest.mark.parametrize("bad", [np.full((3, 3), np.inf), np.diag([0.3, np.inf, 0.3]), np.diag([0.3, np.nan, 0.3])])
def test_infinite_or_missing_variances_are_unknown_and_never_certain(bad):
    directions = KnownDirections.of(bad)
    assert len(directions.unknown) >= 1
    assert np.all(np.isfinite(directions.covariance))
    assert np.all(directions.variances >= 0.01)


def test_the_answer_does_not_depend_on_the_orientation_of_the_patient():
    rotation = Rotation.from_euler("xyz", [20, 130, -75], degrees=True).as_matrix()
    rng = np.random.default_rng(900_004)
    straight = MotionFilter(np.zeros(3), KnownDirections.of(np.diag([0.2, 0.5, 4.0])), HAND)
    turned = MotionFilter(np.zeros(3), KnownDirections.of(rotation @ np.diag([0.2, 0.5, 4.0]) @ rotation.T), HAND)
    for _ in range(20):
        position = rng.normal(0, 2, 3)
        straight.predict(0.1, AXIS)
        turned.predict(0.1, rotation @ AXIS)
        straight.update(position, KnownDirections.of(np.diag([0.2, 0.5, 4.0])))
        turned.update(rotation @ position, KnownDirections.of(rotation @ np.diag([0.2, 0.5, 4.0]) @ rotation.T))
    np.testing.assert_allclose(turned.position, rotation @ straight.position, atol=1e-9)
    np.testing.assert_allclose(turned.covariance, rotation @ straight.covariance @ rotation.T, atol=1e-9)
