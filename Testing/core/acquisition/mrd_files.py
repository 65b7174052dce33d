"""Writes ISMRMRD files line by line with the public ``ismrmrd`` package, knowing nothing of our reader."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import ismrmrd
import numpy as np
import SimpleITK as sitk  # noqa: N813

ROWS, COLUMNS, SLICES, COILS = 12, 10, 3, 2

HEADER = """<?xml version="1.0"?>
<ismrmrdHeader xmlns="http://www.ismrm.org/ISMRMRD">
<experimentalConditions><H1resonanceFrequency_Hz>123000000</H1resonanceFrequency_Hz></experimentalConditions>
<encoding>
<encodedSpace><matrixSize><x>{nx_encoded}</x><y>{ny}</y><z>{nz}</z></matrixSize>
<fieldOfView_mm><x>{fov_x_encoded}</x><y>{fov_y}</y><z>3</z></fieldOfView_mm></encodedSpace>
<reconSpace><matrixSize><x>{nx}</x><y>{ny}</y><z>{nz}</z></matrixSize>
<fieldOfView_mm><x>{fov_x}</x><y>{fov_y}</y><z>3</z></fieldOfView_mm></reconSpace>
<encodingLimits>
<kspace_encoding_step_1><minimum>0</minimum><maximum>{ky_maximum}</maximum><center>{ky_center}</center>
</kspace_encoding_step_1>{step_2_limits}
<slice><minimum>0</minimum><maximum>{slice_maximum}</maximum><center>0</center></slice>
</encodingLimits>
<trajectory>{trajectory}</trajectory>{parallel}
</encoding>
</ismrmrdHeader>"""


def header_xml(**changes) -> str:
    """An MRD header of the small matrix above, readout oversampled twice."""
    values = {
        "nx_encoded": 2 * COLUMNS,
        "nx": COLUMNS,
        "ny": ROWS,
        "nz": 1,
        "fov_x_encoded": 2 * COLUMNS * 1.5,
        "fov_x": COLUMNS * 1.5,
        "fov_y": ROWS * 1.25,
        "ky_maximum": ROWS - 1,
        "ky_center": ROWS // 2,
        "step_2_limits": "",
        "slice_maximum": SLICES - 1,
        "trajectory": "cartesian",
        "parallel": "",
    }
    return HEADER.format(**{**values, **changes})


@dataclass
class Line:
    """One acquisition to write; ``row`` is the row of the full centred k-space."""

    frame: int
    slice: int
    row: int
    flags: tuple[int, ...] = ()
    counters: dict = field(default_factory=dict)


def all_lines(frames: int, rows=range(ROWS), slices=range(SLICES)) -> list[Line]:
    return [Line(frame, k, row) for frame in range(frames) for k in slices for row in rows]


def an_oblique_image() -> sitk.Image:
    """ITK's idea of where our voxels lie: double-oblique, 1.5 x 1.25 x 3.6 mm."""
    image = sitk.Image(COLUMNS, ROWS, SLICES, sitk.sitkFloat32)
    transform = sitk.Euler3DTransform()
    transform.SetRotation(0.4, -0.7, 1.1)
    image.SetDirection(transform.GetMatrix())
    image.SetSpacing((1.5, 1.25, 3.6))
    image.SetOrigin((-12.0, 33.0, 70.0))
    return image


def images(frames: int, seed: int = 0) -> np.ndarray:
    """complex64 (frame, coil, slice, row, col) noise."""
    generator = np.random.default_rng(seed)
    shape = (frames, COILS, SLICES, ROWS, COLUMNS)
    return (generator.normal(size=shape) + 1j * generator.normal(size=shape)).astype(np.complex64)


def oversampled_kspace(image: np.ndarray) -> np.ndarray:
    """(..., row, col) -> (..., ky, kx) of an image embedded in twice the readout field of view."""
    columns = image.shape[-1]
    wide = np.zeros((*image.shape[:-1], 2 * columns), dtype=np.complex64)
    first = columns - columns // 2
    wide[..., first : first + columns] = image
    shifted = np.fft.ifftshift(wide, axes=(-2, -1))
    return np.fft.fftshift(np.fft.fft2(shifted, norm="ortho"), axes=(-2, -1)).astype(np.complex64)


def write_mrd(
    path: Path,
    lines: list[Line],
    pictures: np.ndarray,
    *,
    place: sitk.Image | None = None,
    group: str = "dataset",
    xml: str | None = None,
    slice_numbers: list[int] | None = None,
    first_step: int = 0,
    ticks_per_frame: int = 40,
    samples: slice = slice(None),
    **head,
) -> Path:
    """Write the lines of ``pictures`` (frame, coil, slice, row, col).

    ``place`` gives positions and directions (LPS, ITK's own arithmetic); ``slice_numbers[k]`` is the MRD number
    of slice k (interleaved order); ``first_step`` is the row with kspace_encode_step_1 = 0.
    """
    kspace = oversampled_kspace(pictures)
    with ismrmrd.Dataset(str(path), group, mode="a") as dataset:
        dataset.write_xml_header((xml or header_xml()).encode())
        for count, line in enumerate(lines):
            data = np.ascontiguousarray(kspace[line.frame, :, line.slice, line.row, samples])
            acquisition = ismrmrd.Acquisition.from_array(data, center_sample=COLUMNS - (samples.start or 0), **head)
            acquisition.idx.kspace_encode_step_1 = line.row - first_step
            acquisition.idx.slice = slice_numbers[line.slice] if slice_numbers else line.slice
            acquisition.idx.repetition = line.frame
            for counter, value in line.counters.items():
                setattr(acquisition.idx, counter, value)
            for flag in line.flags:
                acquisition.set_flag(flag)
            if ticks_per_frame:
                acquisition.acquisition_time_stamp = 1000 + line.frame * ticks_per_frame + count % 10
            if place is not None:
                position = place.TransformIndexToPhysicalPoint((COLUMNS // 2, ROWS // 2, line.slice))
                axes = np.array(place.GetDirection()).reshape(3, 3)
                for name, values in zip(
                    ("position", "read_dir", "phase_dir", "slice_dir"), (position, *axes.T), strict=True
                ):
                    getattr(acquisition, name)[:] = values
            dataset.append_acquisition(acquisition)
    return path
