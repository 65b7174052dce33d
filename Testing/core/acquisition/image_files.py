"""Image files written by SimpleITK, pydicom and by hand, to compare our readers with ITK's geometry."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage, generate_uid

SIZE = (10, 12, 4)


def an_oblique_volume(seed: int = 0, pixel_type=np.int16) -> sitk.Image:
    """Random pixels, double-oblique, 1.5 x 1.25 x 3.6 mm."""
    pixels = np.random.default_rng(seed).integers(1, 1000, SIZE[::-1]).astype(pixel_type)
    image = sitk.GetImageFromArray(pixels)
    transform = sitk.Euler3DTransform()
    transform.SetRotation(0.4, -0.7, 1.1)
    image.SetDirection(transform.GetMatrix())
    image.SetSpacing((1.5, 1.25, 3.6))
    image.SetOrigin((-12.0, 33.0, 70.0))
    return image


def ras_of(image: sitk.Image, index: tuple) -> np.ndarray:
    """Where ITK puts a voxel, as RAS."""
    return np.array(image.TransformIndexToPhysicalPoint([int(value) for value in index])) * [-1, -1, 1]


def write_dicom_series(
    folder: Path,
    image: sitk.Image,
    *,
    times: int = 1,
    series_uid: str | None = None,
    series_number: int = 3,
    skip: tuple = (),
    prefix: str = "IM",
) -> Path:
    """One file per slice and time point, in shuffled file order; time point t adds 1000 * t to every pixel."""
    folder.mkdir(exist_ok=True)
    series_uid = series_uid or generate_uid()
    axes = np.array(image.GetDirection()).reshape(3, 3)
    pixels = sitk.GetArrayFromImage(image)
    count = 0
    for time in range(times):
        for k in range(pixels.shape[0]):
            if (time, k) in skip:
                continue
            count += 1
            meta = FileMetaDataset()
            meta.MediaStorageSOPClassUID = MRImageStorage
            meta.MediaStorageSOPInstanceUID = generate_uid()
            meta.TransferSyntaxUID = ExplicitVRLittleEndian
            data = FileDataset(str(folder / "x"), {}, file_meta=meta, preamble=b"\0" * 128)
            data.SOPClassUID, data.SOPInstanceUID = MRImageStorage, meta.MediaStorageSOPInstanceUID
            data.SeriesInstanceUID, data.StudyInstanceUID = series_uid, "1.2.3"
            data.PatientName, data.PatientID, data.Modality = "Doe^Jane", "MRN-4455667", "MR"
            data.SeriesNumber, data.InstanceNumber = series_number, count
            data.AcquisitionNumber = time + 1
            data.AcquisitionTime = f"2359{58 + time * 0.5:09.6f}" if time < 4 else f"{time * 0.5 - 2:013.6f}"
            data.ImagePositionPatient = [f"{v:.8g}" for v in image.TransformIndexToPhysicalPoint((0, 0, k))]
            data.ImageOrientationPatient = [f"{v:.9g}" for v in (*axes[:, 0], *axes[:, 1])]
            data.PixelSpacing = [image.GetSpacing()[1], image.GetSpacing()[0]]
            data.SliceThickness = 3
            data.Rows, data.Columns = pixels.shape[1:]
            data.SamplesPerPixel, data.PhotometricInterpretation = 1, "MONOCHROME2"
            data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 0
            data.PixelData = (pixels[k] + 1000 * time).astype(np.uint16).tobytes()
            # File names say nothing about the order of slices.
            pydicom.dcmwrite(folder / f"{prefix}{(count * 7919) % 1000:04d}", data, enforce_file_format=True)
    return folder
