"""The series as a whole: repeatable, moving while it is acquired, as noisy as asked, planned without instrument."""

import dataclasses
import json

import numpy as np
import pytest
from TemporalReconLib.errors import InputError
from TemporalReconLib.fourier import image_to_kspace, kspace_to_image
from TemporalReconLib.simulation.bssfp import REPETITION_TIME_S
from TemporalReconLib.simulation.simulated_series import simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

SMALL = SimulationConfig(frames=20, acceleration=8, coils=3, seed=4, n_slices=3, matrix=96, noise=0.0)


def test_the_same_seed_gives_the_same_numbers_in_any_order_of_access() -> None:
    config = dataclasses.replace(SMALL, noise=0.02)
    first, second = simulate_series(config), simulate_series(config)
    later_first = second.frame(7)
    second.frame(3)
    assert np.array_equal(first.frame(7).data, later_first.data)
    assert np.array_equal(first.planning.data, second.planning.data)
    assert json.dumps(first.truth.as_json()) == json.dumps(second.truth.as_json())


def test_another_seed_gives_another_patient_and_story() -> None:
    first, second = simulate_series(SMALL), simulate_series(dataclasses.replace(SMALL, seed=5))
    assert np.linalg.norm(first.plan.target - second.plan.target) > 0.5
    assert first.instrument != second.instrument
    images = [series.image_at(0.0, with_instrument=False)[1] / series.level for series in (first, second)]
    assert np.corrcoef(images[0].ravel(), images[1].ravel())[0, 1] < 0.97


def test_without_motion_the_sampled_lines_are_those_of_the_one_image() -> None:
    series = simulate_series(dataclasses.replace(SMALL, motion=False, frames=1))
    frame = series.frame(0)
    expected = image_to_kspace(series.coil_images_at(0.0)) * frame.mask[None, :, :, None]
    assert np.abs(frame.data - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_fully_sampled_resting_frame_gives_the_true_image_back() -> None:
    series = simulate_series(dataclasses.replace(SMALL, motion=False, frames=1, acceleration=1))
    coil_images = kspace_to_image(series.frame(0).data)
    combined = np.sqrt((np.abs(coil_images) ** 2).sum(axis=0))
    assert np.abs(combined - series.image(0)).max() < 1e-4 * series.level


def test_each_line_sees_the_object_at_its_own_moment() -> None:
    series = simulate_series(dataclasses.replace(SMALL, acceleration=4))
    index = 4  # the guide slides in
    frame = series.frame(index)
    slice_index = 1
    lines = np.flatnonzero(frame.mask[slice_index])
    before = int(frame.mask[:slice_index].sum())
    moments = [series.start_time_s(index) + (before + n + 0.5) * REPETITION_TIME_S for n in range(lines.size)]
    for number in (0, 7, lines.size - 1):
        at_its_moment = image_to_kspace(series.coil_images_at(moments[number]))[:, slice_index, lines[number]]
        at_another = image_to_kspace(series.coil_images_at(moments[number] - 0.2))[:, slice_index, lines[number]]
        sampled = frame.data[:, slice_index, lines[number]]
        error = np.linalg.norm(sampled - at_its_moment)
        assert error < 0.01 * np.linalg.norm(sampled)
        assert error < 0.2 * np.linalg.norm(sampled - at_another)


def test_frames_follow_each_other_without_a_gap_and_truth_holds_for_the_middle() -> None:
    series = simulate_series(SMALL)
    first, second = series.frame(0), series.frame(1)
    duration = first.mask.sum() * REPETITION_TIME_S
    assert first.acquisition_start_time == 0.0
    assert first.acquisition_end_time == pytest.approx(duration)
    assert second.acquisition_start_time == pytest.approx(first.acquisition_end_time)
    assert series.truth.frames[1].time_s == pytest.approx(1.5 * duration)
    assert series.planning.acquisition_end_time < first.acquisition_start_time


def test_noise_is_as_strong_as_asked_and_independent() -> None:
    asked = 0.03
    quiet = simulate_series(SMALL)
    noisy = simulate_series(dataclasses.replace(SMALL, noise=asked))
    difference = noisy.frame(2).data - quiet.frame(2).data
    sampled = difference[:, noisy.frame(2).mask]
    assert sampled.real.std() == pytest.approx(asked * noisy.level, rel=0.03)
    assert sampled.imag.std() == pytest.approx(asked * noisy.level, rel=0.03)
    assert np.all(difference[:, ~noisy.frame(2).mask] == 0)
    between_coils = np.corrcoef(sampled[0].ravel(), sampled[1].ravel())[0, 1]
    other = (noisy.frame(3).data - quiet.frame(3).data)[:, quiet.frame(3).mask]
    between_frames = np.corrcoef(sampled[0].ravel(), other[0].ravel())[0, 1]
    assert abs(between_coils) < 0.06
    assert abs(between_frames) < 0.06


def test_the_planning_scan_is_complete_and_has_no_instrument() -> None:
    series = simulate_series(SMALL)
    without = simulate_series(dataclasses.replace(SMALL, instrument=False))
    assert series.planning.is_fully_sampled
    assert np.array_equal(series.planning.data, without.planning.data)
    assert not np.array_equal(series.frame(19).data, without.frame(19).data)


def test_the_planning_scan_shows_another_state_of_the_body() -> None:
    series = simulate_series(SMALL)
    planning = np.sqrt((np.abs(kspace_to_image(series.planning.data)) ** 2).sum(axis=0))
    later = series.image_at(series.mid_time_s(10), with_instrument=False)
    change = np.abs(planning - later).mean() / later.mean()
    assert 0.005 < change < 0.3


def test_without_instrument_nothing_is_visible_and_no_tip_is_stated() -> None:
    series = simulate_series(dataclasses.replace(SMALL, instrument=False, frames=3))
    assert all(not frame.visible and frame.guide_tip is None and frame.axis is None for frame in series.truth.frames)
    assert np.array_equal(series.image(2), series.image_at(series.mid_time_s(2), with_instrument=False))


def test_the_story_has_an_entry_a_guide_alone_and_a_shot_of_20_mm_in_one_frame() -> None:
    frames = simulate_series(SMALL).truth.frames
    assert not frames[0].visible
    assert frames[0].guide_tip is None
    alone = [frame for frame in frames if frame.guide_tip is not None and frame.needle_tip is None]
    assert len(alone) >= 5
    reach = [np.linalg.norm(frame.needle_tip - frame.guide_tip) for frame in frames if frame.needle_tip is not None]
    steps = np.diff(reach)
    assert 19.5 < steps.max() < 21.0
    assert np.sort(steps)[-2] < 5.0
    tips = np.array([frame.guide_tip for frame in frames if frame.guide_tip is not None])
    speeds = np.linalg.norm(np.diff(tips, axis=0), axis=1)
    assert 3.0 < speeds.max() < 15.0


def test_a_short_series_shows_the_end_of_the_story() -> None:
    truth = simulate_series(dataclasses.replace(SMALL, frames=2)).truth
    assert all(frame.visible and frame.needle_tip is not None for frame in truth.frames)


def test_truth_is_written_as_described(tmp_path) -> None:
    series = simulate_series(SMALL)
    series.truth.write(tmp_path / "truth.json")
    stored = json.loads((tmp_path / "truth.json").read_text())
    assert stored["version"] == 1
    assert stored["config"]["seed"] == 4
    assert stored["frame_interval_s"] == pytest.approx(3 * 12 * REPETITION_TIME_S)
    assert len(stored["frames"]) == 20
    assert stored["frames"][0]["guide_tip"] is None
    assert np.allclose(stored["frames"][19]["needle_tip"], series.truth.frames[19].needle_tip)


@pytest.mark.parametrize("coils", [1, 2, 8, 17, 32])
def test_there_are_as_many_different_coils_as_asked(coils: int) -> None:
    series = simulate_series(dataclasses.replace(SMALL, coils=coils, n_slices=1, matrix=64, planning=False))
    frame = series.frame(0)
    assert frame.n_coils == coils
    flat = series.coil_maps.reshape(coils, -1)
    similarity = np.abs(flat @ flat.conj().T) / np.outer(*(np.linalg.norm(flat, axis=1),) * 2)
    assert np.all(similarity[~np.eye(coils, dtype=bool)] < 0.995)
    assert series.planning is None


def test_measured_coil_maps_are_used_and_continued_where_they_are_zero(tmp_path) -> None:
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    maps = np.stack([np.exp(-((x - 1) ** 2)), 1j * np.exp(-((x + 1) ** 2))]) * (x**2 + y**2 < 0.8)
    np.save(tmp_path / "maps.npy", maps.astype(np.complex64))
    config = dataclasses.replace(SMALL, coils=2, coil_maps=tmp_path / "maps.npy")
    used = simulate_series(config).coil_maps[:, 0]
    assert np.abs(used).min() > 0.01
    middle = used[:, 48, 24] / used[:, 48, 24][1]
    expected = np.array([np.exp(-((-0.49 - 1) ** 2)), 1j * np.exp(-((-0.49 + 1) ** 2))])
    assert np.allclose(middle, expected / expected[1], atol=0.02)
    with pytest.raises(InputError, match=r"hold 2 coils"):
        simulate_series(dataclasses.replace(config, coils=3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"frames": 0}, "frames 0"),
        ({"coils": 0}, "coils 0"),
        ({"coils": 33}, "coils 33"),
        ({"acceleration": 0.5}, "acceleration 0.5"),
        ({"acceleration": 500}, "acceleration 500"),
        ({"acceleration": float("nan")}, "acceleration nan"),
        ({"mask": "spiral"}, "spiral"),
        ({"orientation": "upside-down"}, "upside-down"),
        ({"n_slices": 21}, "slices 21"),
        ({"matrix": 255}, "matrix 255"),
        ({"noise": -1.0}, "noise -1"),
        ({"seed": -1}, "seed -1"),
    ],
)
def test_impossible_requests_are_refused_with_the_reason(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        dataclasses.replace(SMALL, **change)
