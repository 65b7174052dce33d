"""Training examples show what their labels say, wherever the crop lies and however it is worn down."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
from InstrumentTrackerLib.training import examples, rendered_pictures, simulated_pictures, swept_pictures
from InstrumentTrackerLib.training.examples import random_example
from InstrumentTrackerLib.training.intensities import recolored, worn_down
from InstrumentTrackerLib.training.look_alikes import add_look_alikes
from InstrumentTrackerLib.training.rendered_pictures import RenderedPictures
from InstrumentTrackerLib.training.simulated_pictures import FULLY_SAMPLED, pictures_of
from InstrumentTrackerLib.training.undersampled import undersampled
from InstrumentTrackerLib.training.validation import label_end
from picture_samples import SIZE, a_picture
from TemporalReconLib.geometry import ras_to_ijk
from TemporalReconLib.simulation.simulated_series import SimulatedSeries, simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig


@pytest.fixture
def unworn(monkeypatch):
    """Without noise and shading the picture itself can be compared with its labels."""
    monkeypatch.setattr(examples, "worn_down", lambda generator, stack: stack)


def test_labels_lie_on_the_instrument_in_every_crop(unworn):
    generator = np.random.default_rng(0)
    for number in range(20):
        example = random_example(generator, a_picture(seed=number, angle=number), 96)
        shown, (guide, needle) = example.slices[1].numpy(), example.target.numpy()
        if (needle > 0.8).any():
            assert shown[needle > 0.8].mean() < 0.5 * np.median(shown)
        if (guide > 0.5).any():
            assert abs(shown[guide > 0.9].mean() - np.median(shown)) > 0.1, "not of the tissue"
        assert np.all(shown[(guide + needle) == 0][:50] >= 0)


def test_labels_end_at_the_tips_that_the_example_states(unworn):
    generator = np.random.default_rng(1)
    errors = []
    for number in range(30):
        example = random_example(generator, a_picture(seed=number, angle=0.7 * number), 96)
        tips = example.tips.numpy()
        for label, reach in ((0, 5.0), (1, 0.0)):
            if np.isfinite(tips[label]).all() and (np.abs(tips[label] - 48) < 30).all():
                end = label_end(example.target[label].numpy(), tips[label], tips[2 + label])
                errors.append(end / _zoom_of(example, tips) - reach)
    assert len(errors) > 15
    assert np.abs(errors).mean() < 0.5


def _zoom_of(example, tips):
    """Magnification of a crop: the needle of these pictures reaches 25 mm beyond the guide tip."""
    if not np.isfinite(tips[:2]).all():
        return 1.0
    return float(np.linalg.norm(tips[1] - tips[0])) * 280 / 256 / 25.0


def test_an_example_without_instrument_has_no_label():
    example = random_example(np.random.default_rng(2), a_picture(present=False), 96)
    assert not example.target.any() and np.isnan(example.tips.numpy()).all()


def test_a_picture_of_one_slice_is_seen_with_itself_as_neighbor():
    picture = a_picture()
    single = examples.Picture(picture.data[1:2], picture.ijk_to_ras, picture.thickness_mm)
    slices = random_example(np.random.default_rng(3), single, 96).slices
    assert np.array_equal(slices[0], slices[1]) and np.array_equal(slices[2], slices[1])


def test_wear_keeps_everything_where_it_was():
    picture = a_picture().data
    dark = picture[1] < 0.2
    for seed in range(15):
        worn = worn_down(np.random.default_rng(seed), picture)
        assert worn.shape == picture.shape and worn.dtype == np.float32 and np.isfinite(worn).all()
        tissue = np.abs(np.arange(SIZE) - SIZE // 2) > 15
        assert np.median(worn[1][dark]) < np.median(worn[1][:, tissue])


def test_undersampling_may_blur_and_fold_but_never_moves_what_is_still():
    picture = a_picture().data
    for seed in range(10):
        shown = undersampled(np.random.default_rng(seed), picture, picture)
        assert np.isfinite(shown).all()
        assert np.corrcoef(shown.ravel(), picture.ravel())[0, 1] > 0.15


def test_look_alikes_and_colors_stay_in_range():
    anatomy = np.random.default_rng(0).random((3, 96, 96), dtype=np.float32)
    for seed in range(20):
        generator = np.random.default_rng(seed)
        shown = add_look_alikes(generator, recolored(generator, anatomy), 1.1)
        assert shown.dtype == np.float32 and shown.min() >= 0 and shown.max() <= 1.6


def test_rendered_pictures_are_drawn_again_from_the_same_seed(monkeypatch):
    monkeypatch.setattr(rendered_pictures, "_PROCEDURAL_SHAPE", (10, 40, 40))
    monkeypatch.setattr(rendered_pictures, "_PROCEDURAL_SPACING", (7.0, 7.0, 13.0))
    monkeypatch.setattr(rendered_pictures, "SIZE", 96)
    first, again = (
        [source.next() for _ in range(12)]
        for source in (RenderedPictures(np.random.default_rng(5), (), 1, 100) for _ in range(2))
    )
    assert all(np.array_equal(one.data, other.data) for one, other in zip(first, again, strict=True))
    assert {picture.state is None for picture in first} == {True, False}
    assert all(picture.data.std() > 0.01 for picture in first)


def test_simulated_pictures_carry_the_truth_of_their_frame():
    series = simulate_series(
        SimulationConfig(frames=6, acceleration=4, coils=2, n_slices=1, matrix=48, seed=7, planning=False)
    )
    full, sparse = (list(pictures_of(series, method)) for method in (FULLY_SAMPLED, "sliding-window"))
    assert len(full) == 6 and len(sparse) == 4, "the first frames without planning scan show nothing yet"
    assert np.array_equal(full[5].data, series.image(5))
    for picture, truth in zip(sparse, series.truth.frames[2:], strict=True):
        assert np.array_equal(picture.state.guide_tip, truth.guide_tip)
    assert np.corrcoef(full[5].data.ravel(), sparse[3].data.ravel())[0, 1] > 0.7


def test_swept_pictures_step_through_the_slices_of_one_moment(monkeypatch):
    seen = []

    def small(**config):
        seen.append(SimulatedSeries(SimulationConfig(**{**config, "matrix": 48, "instrument": True})))
        return seen[0].config

    monkeypatch.setattr(swept_pictures, "SimulationConfig", small)
    monkeypatch.setattr(swept_pictures, "_ACCELERATIONS", (1.5, 1.5))
    pictures = list(swept_pictures.swept_pictures(5, method="sliding-window"))
    series = seen[0]
    n_shown = series.config.n_slices - 1
    assert len(pictures) == 3 * n_shown, "three moments, but the first slice of each"
    sweep = pictures[:n_shown]
    assert len({tuple(picture.state.guide_tip) for picture in sweep}) == 1, "time stands still"
    states = [series.scenario.state(series.mid_time_s(number)) for number in range(series.config.frames)]
    tips = [None if state is None else tuple(state.guide_tip) for state in states]
    stack = series.image(tips.index(tuple(sweep[0].state.guide_tip))).reshape(series.config.n_slices, -1)
    for number, picture in enumerate(sweep, start=1):
        place = ras_to_ijk(series.ijk_to_ras, picture.ijk_to_ras[:3, 3])
        assert place == pytest.approx([0, 0, number], abs=1e-6)
    fits = np.array([[np.corrcoef(p.data.ravel(), true)[0, 1] for true in stack] for p in sweep])
    assert fits.argmax(axis=1).tolist() == list(range(1, n_shown + 1)), "each shows its own slice"


def test_training_never_draws_a_validation_seed(monkeypatch):
    seeds = []

    def note(seed, background=None):
        seeds.append(seed)
        return seed

    monkeypatch.setattr(simulated_pictures, "random_series", note)
    monkeypatch.setattr(simulated_pictures, "pictures_of", lambda series, method: iter([series]))
    monkeypatch.setattr(simulated_pictures, "swept_pictures", lambda seed, background: iter([note(seed)]))
    list(islice(simulated_pictures.simulated_pictures(np.random.default_rng(0), ()), 2000))
    assert max(seeds) < simulated_pictures.VALIDATION_SEEDS_FROM
