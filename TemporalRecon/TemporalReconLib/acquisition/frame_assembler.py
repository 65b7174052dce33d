"""MRD acquisitions (one readout line each) collected into frames; the same for files and for the live stream."""

from __future__ import annotations

from typing import Any

import ismrmrd
import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.kspace_frame import MAX_COILS, KSpaceFrame
from TemporalReconLib.acquisition.line_clock import LineClock
from TemporalReconLib.acquisition.mrd_geometry import stack_geometry
from TemporalReconLib.acquisition.mrd_header import MAX_SLICES, MrdEncoding
from TemporalReconLib.errors import InputError

# 2 GiB of complex64.
MAX_FRAME_SAMPLES = 2**28


def _flags(*numbers: int) -> int:
    return sum(1 << (number - 1) for number in numbers)


NOT_IMAGING = _flags(
    ismrmrd.ACQ_IS_NOISE_MEASUREMENT,
    ismrmrd.ACQ_IS_NAVIGATION_DATA,
    ismrmrd.ACQ_IS_PHASECORR_DATA,
    ismrmrd.ACQ_IS_HPFEEDBACK_DATA,
    ismrmrd.ACQ_IS_DUMMYSCAN_DATA,
    ismrmrd.ACQ_IS_RTFEEDBACK_DATA,
    ismrmrd.ACQ_IS_SURFACECOILCORRECTIONSCAN_DATA,
    ismrmrd.ACQ_IS_PHASE_STABILIZATION_REFERENCE,
    ismrmrd.ACQ_IS_PHASE_STABILIZATION,
)
CALIBRATION_ONLY = _flags(ismrmrd.ACQ_IS_PARALLEL_CALIBRATION)
REVERSED = _flags(ismrmrd.ACQ_IS_REVERSE)


def is_imaging_line(head: Any, encoding: MrdEncoding) -> bool:
    """False for noise, navigator, correction and separate calibration lines, and lines of another encoding."""
    flags = int(head["flags"])
    if flags & NOT_IMAGING or int(head["encoding_space_ref"]) != 0:
        return False
    return encoding.uses_calibration_lines or not flags & CALIBRATION_ONLY


class FrameAssembler:
    """Collects the lines of one frame.

    Averages of a line are averaged. Slices are sorted along the slice direction, so that k runs with it; a slice
    without a line in this frame lies where it lay last. Heads are numpy records with the field names of the MRD
    acquisition header.

    Parameters
    ----------
    encoding
        From the header of the scan.
    n_slices
        Slices in a frame.
    source
        Named in errors.
    clock
        Tells when lines were acquired.
    slice_heads
        A head for every slice, from another frame of the same scan.
    """

    def __init__(
        self,
        encoding: MrdEncoding,
        n_slices: int,
        source: str,
        clock: LineClock,
        stream_id: str = "",
        slice_heads: dict[int, Any] | None = None,
    ) -> None:
        if not 1 <= n_slices <= MAX_SLICES:
            raise InputError(f"{source}: {n_slices} slices; expected 1 to {MAX_SLICES}")
        self._encoding = encoding
        self._n_slices = n_slices
        self._source = source
        self._stream_id = stream_id
        self._clock = clock
        self._known_heads: dict[int, Any] = dict(slice_heads or {})
        self._clear()

    def _clear(self) -> None:
        self._kspace: NDArray[np.complex64] | None = None
        self._counts = np.zeros((self._n_slices, self._encoding.n_rows), dtype=np.int32)
        self._slice_heads: dict[int, Any] = {}
        self._times: list[tuple[float, float]] = []
        self._seen: set[tuple[int, int, int]] = set()

    @property
    def is_empty(self) -> bool:
        return self._kspace is None

    def add(self, head: Any, data: NDArray[np.complex64]) -> None:
        """Put one imaging line (coil, sample) into the frame.

        Raises
        ------
        InputError
            If the line does not fit the header or the lines before it; the frame is as before then.
        """
        row, slice_index = self._place(head)
        line = (slice_index, row, int(head["idx"]["average"]))
        is_calibration = bool(int(head["flags"]) & CALIBRATION_ONLY)
        if line in self._seen and not is_calibration:
            raise InputError(
                f"{self._source}: line {row} of slice {slice_index} twice in one repetition; "
                "frames must be numbered by repetition"
            )
        first, samples = self._placed_samples(head, data)
        if self._kspace is None:
            shape = (data.shape[0], self._n_slices, self._encoding.n_rows, self._encoding.n_samples)
            if data.shape[0] > MAX_COILS or np.prod(shape, dtype=object) > MAX_FRAME_SAMPLES:
                raise InputError(f"{self._source}: a frame of shape {shape} (coil, slice, ky, kx) is too large")
            self._kspace = np.zeros(shape, dtype=np.complex64)
        if data.shape[0] != self._kspace.shape[0]:
            raise InputError(f"{self._source}: a line has {data.shape[0]} coils, the frame {self._kspace.shape[0]}")
        self._kspace[:, slice_index, row, first : first + samples.shape[1]] += samples
        self._counts[slice_index, row] += 1
        if not is_calibration:
            self._seen.add(line)
        self._slice_heads.setdefault(slice_index, head)
        self._times.append(self._clock.times_of(head))

    def finish(self, index: int, default_time_s: float = 0.0) -> KSpaceFrame:
        """The frame of all lines added since the last one; then starts anew.

        Parameters
        ----------
        default_time_s
            Time of the frame where the source has no clock.

        Raises
        ------
        InputError
            If no line was added, samples are not finite, or the slices do not form a stack.
        """
        if self._kspace is None:
            raise InputError(f"{self._source}: frame {index} has no imaging line")
        kspace, counts, heads, times = self._kspace, self._counts, self._slice_heads, self._times
        self._clear()
        if counts.max() > 1:
            kspace /= np.maximum(counts, 1)[np.newaxis, :, :, np.newaxis]
        self._known_heads.update(heads)
        geometry = stack_geometry(self._known_heads, self._n_slices, self._encoding, self._source)
        if np.any(np.diff(geometry.slice_order) != 1):
            kspace, counts = kspace[:, geometry.slice_order], counts[geometry.slice_order]
        start, end = min(start for start, _ in times), max(end for _, end in times)
        if not self._clock.is_running:
            start = end = default_time_s
        return KSpaceFrame(
            data=self._without_oversampling(kspace, counts > 0),
            mask=counts > 0,
            ijk_to_ras=geometry.ijk_to_ras,
            index=index,
            acquisition_start_time=start,
            acquisition_end_time=end,
            stream_id=self._stream_id,
            has_geometry=geometry.is_stated,
        )

    def _without_oversampling(self, kspace: NDArray[np.complex64], mask: NDArray[np.bool_]) -> NDArray[np.complex64]:
        """Only sampled lines are transformed: at R = 16 that is a sixteenth of the work."""
        if self._encoding.n_samples == self._encoding.n_columns:
            return kspace
        result = np.zeros((*kspace.shape[:-1], self._encoding.n_columns), dtype=np.complex64)
        result[:, mask] = remove_readout_oversampling(kspace[:, mask], self._encoding.n_columns)
        return result

    def _place(self, head: Any) -> tuple[int, int]:
        step, slice_index = int(head["idx"]["kspace_encode_step_1"]), int(head["idx"]["slice"])
        row = self._encoding.row_of(step)
        if not 0 <= row < self._encoding.n_rows or not 0 <= slice_index < self._n_slices:
            raise InputError(
                f"{self._source}: line {step} of slice {slice_index} lies outside the header's "
                f"{self._encoding.n_rows} lines and {self._n_slices} slices"
            )
        if any(int(head["idx"][counter]) for counter in ("kspace_encode_step_2", "contrast", "phase", "set")):
            raise InputError(
                f"{self._source}: several partitions, contrasts, phases or sets; expected 2D lines of one contrast, "
                "frames numbered by repetition"
            )
        if int(head["flags"]) & REVERSED:
            raise InputError(f"{self._source}: reversed readout lines (echo-planar imaging) are not supported")
        return row, slice_index

    def _placed_samples(self, head: Any, data: NDArray[np.complex64]) -> tuple[int, NDArray[np.complex64]]:
        """First kx and the samples there: partial echoes by their center sample, discarded ends cut off."""
        n_samples = self._encoding.n_samples
        count = data.shape[-1]
        center = int(head["center_sample"])
        if center == 0 and count == n_samples:
            center = n_samples // 2  # many writers leave the field unset
        before, after = int(head["discard_pre"]), int(head["discard_post"])
        first = n_samples // 2 - center + before
        if data.ndim != 2 or before + after >= count or first < 0 or first + count - before - after > n_samples:
            raise InputError(
                f"{self._source}: a line of {count} samples with center {center} does not fit the header's {n_samples}"
            )
        samples = data[:, before : count - after]
        if not np.all(np.isfinite(samples.view(np.float32))):
            raise InputError(f"{self._source}: NaN or infinite samples in a line; the scan is unusable there")
        return first, samples


def remove_readout_oversampling(kspace: NDArray[np.complex64], n_columns: int) -> NDArray[np.complex64]:
    """Crop the field of view along the readout (last axis) to ``n_columns`` pixels; returns k-space again."""
    n_samples = kspace.shape[-1]
    if n_samples == n_columns:
        return kspace
    image = np.fft.ifft(np.fft.ifftshift(kspace, axes=-1), axis=-1, norm="ortho")
    image = np.fft.fftshift(image, axes=-1)
    first = n_samples // 2 - n_columns // 2
    image = np.fft.ifftshift(image[..., first : first + n_columns], axes=-1)
    return np.fft.fftshift(np.fft.fft(image, axis=-1, norm="ortho"), axes=-1).astype(np.complex64)
