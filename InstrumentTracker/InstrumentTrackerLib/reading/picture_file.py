"""The numbered pictures of a reading: pixels and geometry, and nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk  # noqa: N813 (the name everybody knows)
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.itk_reader import read_itk_series
from TemporalReconLib.errors import InputError
from TemporalReconLib.geometry import LPS_TO_RAS, spacing_of
from TemporalReconLib.window_level import robust_window

from InstrumentTrackerLib.reading.reading_list import PICTURES_FOLDER

# Window of every picture: brightness would tell methods apart, also by the pixel value under the mouse.
WINDOW = 1000.0


def picture_file(folder: Path, picture: str) -> Path:
    return folder / PICTURES_FOLDER / f"{picture}.nrrd"


def write_picture(path: Path, image: ImageFrame) -> None:
    """Write a volume, brought to the brightness of every other one; raises InputError if that fails."""
    window = robust_window(image.data)
    scale = 1.0 if window is None else WINDOW / window
    volume = sitk.GetImageFromArray(np.asarray(scale * image.data, dtype=np.float32))
    ijk_to_lps = LPS_TO_RAS @ image.ijk_to_ras
    spacing = spacing_of(image.ijk_to_ras)
    volume.SetSpacing([float(size) for size in spacing])
    volume.SetOrigin([float(value) for value in ijk_to_lps[:3, 3]])
    volume.SetDirection([float(value) for value in (ijk_to_lps[:3, :3] / spacing).ravel()])
    try:
        # Without compression a size tells nothing of the noise in a picture.
        sitk.WriteImage(volume, str(path), useCompression=False)
    except RuntimeError as error:
        raise InputError(f"{path}: cannot be written; is the disk full?") from error


def read_picture(path: Path) -> ImageFrame:
    """Raises InputError if it is missing or damaged."""
    if not path.is_file():
        raise InputError(f"{path}: is missing; copy the whole folder again")
    image = read_itk_series(path).frame(0)
    assert isinstance(image, ImageFrame)
    return image
