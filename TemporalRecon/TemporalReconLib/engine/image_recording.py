"""Images that came as images, kept as ISMRMRD images."""

from __future__ import annotations

from pathlib import Path

import ismrmrd

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.mrd.image_message import mrd_images


class ImageAppender:
    """A file to which images are added one by one: group ``dataset/images``, one ISMRMRD image per slice.

    Parameters
    ----------
    path
        Must not exist yet.

    Raises
    ------
    OSError
        If the file cannot be written (disk full); so do all methods.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._dataset = ismrmrd.Dataset(str(path), mode="x")
        self._shape: tuple[int, ...] | None = None
        self._count = 0

    def fits(self, frame: ImageFrame) -> bool:
        """False where the matrix differs from the images before."""
        return self._shape in (None, frame.data.shape)

    def append(self, frame: ImageFrame) -> int:
        """Write an image; returns its number in the file."""
        self._shape = frame.data.shape
        for image in mrd_images(frame):
            self._dataset.append_image("images", image)
        self._count += 1
        return self._count - 1

    def close(self) -> None:
        self._dataset.close()
