"""BART behind the protocol of the methods: every frame of a series once, under its own index, and nothing kept."""

import shutil

import numpy as np
import pytest
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.benchmark.bart_peer import bart_images
from TemporalReconLib.benchmark.bart_reconstructor import BartReconstructor
from TemporalReconLib.benchmark.contenders import Contenders
from TemporalReconLib.errors import InputError
from TemporalReconLib.simulation.simulated_series import simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(shutil.which("bart") is None, reason="needs the BART toolbox (apt-get install bart)"),
]
N_FRAMES = 4


@pytest.fixture(scope="module")
def series():
    return simulate_series(SimulationConfig(frames=N_FRAMES, acceleration=4, coils=4, n_slices=1, matrix=64, seed=1))


@pytest.mark.parametrize("has_planning", [True, False], ids=["with planning", "without planning"])
def test_a_series_comes_back_whole_and_in_order(series, has_planning: bool) -> None:
    frames, planning = list(series.frames), series.planning if has_planning else None
    contenders = Contenders("cpu", {}, N_FRAMES)
    images = contenders.images("bart-tv", frames, planning)
    assert list(images) == [0, 1, 2, 3]
    expected = bart_images("bart-tv", frames, planning)
    for index, image in images.items():
        assert np.array_equal(image.data, expected[index])
        assert image.acquisition_start_time == frames[index].acquisition_start_time
    # The next series knows nothing of this one.
    again = contenders.images("bart-tv", frames, planning)
    assert np.array_equal(again[3].data, images[3].data)


def test_it_says_that_it_waits_for_the_end_of_the_series(series) -> None:
    bart = BartReconstructor("bart-llr", N_FRAMES)
    assert (bart.info.causal, bart.info.delay_frames) == (False, N_FRAMES - 1)
    bart.ingest(series.frame(0))
    assert bart.reconstruct() is None
    bart.reset()
    assert bart.finish() == []


def test_an_image_is_no_planning_scan_for_it(series) -> None:
    with pytest.raises(InputError, match="k-space"):
        BartReconstructor("bart-tv", 1).set_planning(ImageFrame(series.image(0), series.ijk_to_ras))
