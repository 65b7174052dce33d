"""A real volume lies where its header says, inside a plausible surround."""

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from scipy import ndimage
from TemporalReconLib.errors import InputError
from TemporalReconLib.simulation.simulated_series import simulate_series
from TemporalReconLib.simulation.simulation_config import SimulationConfig

REAL_VOLUMES = sorted((Path(__file__).resolve().parents[4] / "shared/data/prostatex").glob("ProstateX-0000*.nii.gz"))


def still(path: Path, **changes: object) -> SimulationConfig:
    settings = {"frames": 1, "coils": 1, "matrix": 128, "planning": False, "motion": False, "instrument": False}
    return SimulationConfig(background=path, noise=0, **(settings | changes))  # type: ignore[arg-type]


def write_volume(path: Path, values: np.ndarray, origin: tuple[float, float, float], direction: np.ndarray) -> None:
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing((1.0, 1.0, 2.0))
    image.SetOrigin(origin)
    image.SetDirection(direction.ravel().tolist())
    sitk.WriteImage(image, str(path))


@pytest.mark.parametrize("orientation", ["coronal", "sagittal"])
def test_a_bright_ball_of_an_oblique_volume_appears_at_its_place(tmp_path, orientation: str) -> None:
    angle = 0.4
    direction = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1.0]])
    k, j, i = np.mgrid[:60, :120, :120]
    values = 100 + 900.0 * (((i - 66) ** 2 + (j - 57) ** 2 + 4 * (k - 29) ** 2) < 8**2)
    origin = np.array([-40.0, 25.0, 70.0])
    write_volume(tmp_path / "ball.nrrd", values, tuple(origin), direction)
    ball_lps = origin + direction @ (np.array([66, 57, 29]) * [1.0, 1.0, 2.0])
    series = simulate_series(still(tmp_path / "ball.nrrd", orientation=orientation, n_slices=20, matrix=96))
    i, j, k = (np.linalg.inv(series.ijk_to_ras) @ [-ball_lps[0], -ball_lps[1], ball_lps[2], 1.0])[:3]
    assert 0 <= k <= 19
    image = series.image(0)[round(k)]
    window = image[round(j) - 8 : round(j) + 9, round(i) - 8 : round(i) + 9]
    # Values above 1.6 times the 99th percentile are clipped, so the ball stands out by less than its 10 : 1.
    found = ndimage.center_of_mass(np.clip(window - 0.8 * window.max(), 0, None))
    assert found[0] + round(j) - 8 == pytest.approx(j, abs=0.4)
    assert found[1] + round(i) - 8 == pytest.approx(i, abs=0.4)


def test_outside_the_volume_the_procedural_pelvis_continues(tmp_path) -> None:
    write_volume(tmp_path / "flat.mha", np.full((30, 80, 80), 500.0), (-40.0, -40.0, -30.0), np.eye(3))
    image = simulate_series(still(tmp_path / "flat.mha")).image(0)[1]
    assert np.median(image[50:80, 20:40]) > 0.2 * np.median(image[56:72, 56:72])


@pytest.mark.parametrize("name", ["missing.nii.gz", "broken.nii.gz", "empty.mha", "folder"])
def test_an_unusable_background_is_refused_with_its_name(tmp_path, name: str) -> None:
    (tmp_path / "broken.nii.gz").write_bytes(b"not a volume")
    (tmp_path / "folder").mkdir()
    write_volume(tmp_path / "empty.mha", np.zeros((4, 4, 4)), (0.0, 0.0, 0.0), np.eye(3))
    with pytest.raises(InputError, match=name) as caught:
        simulate_series(still(tmp_path / name))
    assert "\n" not in str(caught.value)


@pytest.mark.real_data
@pytest.mark.skipif(not REAL_VOLUMES, reason="real volumes of ../shared/data are missing")
def test_real_volumes_fill_the_middle_of_the_picture() -> None:
    for path in REAL_VOLUMES:
        series = simulate_series(still(path, matrix=128))
        image = series.image(0)[1]
        volume = sitk.GetArrayFromImage(sitk.ReadImage(str(path))).astype(float)
        assert np.all(np.isfinite(image))
        center = image[48:80, 48:80]
        # The prostate region of a real scan is neither empty nor saturated.
        assert 0.05 < np.median(center) / series.level < 0.9, path.name
        assert volume.max() > 0
