"""Samples of a frame of the test set."""

from __future__ import annotations

import numpy as np
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.fourier import image_to_kspace
from TemporalReconLib.simulation.simulated_series import SimulatedSeries


def acquired_frame(series: SimulatedSeries, index: int) -> KSpaceFrame:
    """Samples of a frame; a fully sampled one (R = 1) is taken at one moment, the middle of its time.

    Three slices at R = 1 take 3.5 s, in which an instrument that moves at the pace of the story would be smeared over
    centimeters; R = 1 stands for what the best possible picture tells.
    """
    if series.config.acceleration > 1:
        return series.frame(index)
    samples = image_to_kspace(series.coil_images_at(series.mid_time_s(index)))
    generator = np.random.default_rng([series.config.seed, index])
    noise = generator.standard_normal((*samples.shape, 2), dtype=np.float32) @ np.array([1, 1j], np.complex64)
    begin = series.start_time_s(index)
    return KSpaceFrame(
        samples + np.float32(series.noise_std) * noise,
        np.ones(samples.shape[1:3], dtype=bool),
        series.ijk_to_ras,
        index,
        begin,
        begin + series.frame_interval_s,
        f"simulated-{series.config.seed}",
    )
