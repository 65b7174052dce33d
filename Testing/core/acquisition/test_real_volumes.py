"""Real prostate volumes played the way of the paper."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from TemporalReconLib.acquisition.series import open_series
from TemporalReconLib.acquisition.undersampling import undersample
from TemporalReconLib.fourier import kspace_to_image
from TemporalReconLib.geometry import transform_points

FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "prostatex"
VOLUMES = sorted(FOLDER.glob("*.nii.gz"))
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not VOLUMES, reason="needs the real MR volumes of ../shared/data/prostatex"),
]


@pytest.mark.parametrize("path", VOLUMES[:3], ids=lambda path: path.name)
def test_slices_of_a_real_volume_play_as_undersampled_time(path):
    image = sitk.ReadImage(str(path))
    pixels = sitk.GetArrayFromImage(image)
    series = undersample(open_series(path, "slices"), 16, "paper")

    assert len(series) == pixels.shape[0]
    for k in (0, len(series) - 1):
        frame = series.frame(k)
        assert frame.acceleration == pytest.approx(16, rel=0.05)
        # A zero-filled picture from the central lines already looks like the slice.
        correlation = np.corrcoef(np.abs(kspace_to_image(frame.data)).ravel(), pixels[k].ravel())[0, 1]
        assert correlation > 0.7
        lps = np.array(image.TransformIndexToPhysicalPoint((100, 50, k)))
        np.testing.assert_allclose(transform_points(frame.ijk_to_ras, [100, 50, 0]), lps * [-1, -1, 1], atol=1e-3)
