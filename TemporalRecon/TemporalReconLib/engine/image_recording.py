"""Images that came as images, kept as ISMRMRD images."""

from __future__ import annotations

from pathlib import Path

import ismrmrd

from TemporalReconLib.acquisition.guarded_file import GuardedFile
from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.mrd.image_message import mrd_images


class ImageAppender:
    """A file to which images are added one by one: group ``dataset/images``, one ISMRMRD image per slice.

    Images with a phase are kept with it.

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
        self._disk = GuardedFile(path)
        self._dataset = ismrmrd.Dataset(self._disk, mode="w")
        self._kind: tuple[bool, tuple[int, ...]] | None = None
        self._count = 0

    def fits(self, frame: ImageFrame) -> bool:
        """False where the matrix differs from the images before, or only one of them has a phase."""
        return self._kind in (None, _kind_of(frame))

    def append(self, frame: ImageFrame) -> int:
        """Write an image; returns its number in the file."""
        self._kind = _kind_of(frame)
        for image in mrd_images(frame, with_phase=True):
            self._dataset.append_image("images", image)
        self._disk.require_intact()
        self._count += 1
        return self._count - 1

    def close(self) -> None:
        """Close; every image is on the disk then."""
        self._dataset.close()
        self._disk.close()
        self._disk.require_intact()


def _kind_of(frame: ImageFrame) -> tuple[bool, tuple[int, ...]]:
    return frame.complex_data is not None, frame.data.shape
