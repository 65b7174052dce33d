"""Things that go wrong in a procedure room, done to simulated frames on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame

Disturb = Callable[[np.random.Generator, KSpaceFrame], KSpaceFrame]


@dataclass(frozen=True)
class Failure:
    """A kind of failure.

    Attributes
    ----------
    name
        For tables.
    disturb_frame, disturb_planning
        What it does to each dynamic frame and to the planning scan.
    """

    name: str
    disturb_frame: Disturb | None = None
    disturb_planning: Disturb | None = None


def _noisier(generator: np.random.Generator, frame: KSpaceFrame) -> KSpaceFrame:
    """A coil plug comes loose: ten times the noise."""
    level = np.float32(0.15 * _brightness(frame))
    return _sampled(frame, frame.data + level * _noise(generator, frame.data.shape))


def _spikes(generator: np.random.Generator, frame: KSpaceFrame) -> KSpaceFrame:
    """Sparks in the bore: a few samples far too large."""
    data = frame.data.copy()
    lines = np.argwhere(frame.mask)
    for slice_index, line in lines[generator.integers(len(lines), size=3)]:
        column = int(generator.integers(data.shape[-1]))
        data[:, slice_index, line, column] += np.abs(data).max() * np.exp(2j * np.pi * generator.random())
    return replace(frame, data=data)


def _wrong_lines(generator: np.random.Generator, frame: KSpaceFrame) -> KSpaceFrame:
    """The sender numbers lines otherwise: each lands a few rows off."""
    return replace(frame, data=np.roll(frame.data, 3, axis=2), mask=np.roll(frame.mask, 3, axis=1))


def _phase_jumps(generator: np.random.Generator, frame: KSpaceFrame) -> KSpaceFrame:
    """The scanner's frequency wanders: every line has a phase of its own."""
    phases = np.exp(1j * generator.normal(0.0, 0.8, frame.mask.shape)).astype(np.complex64)
    return replace(frame, data=frame.data * phases[None, :, :, None])


def _dead_coils(generator: np.random.Generator, frame: KSpaceFrame) -> KSpaceFrame:
    """Half of the coils fall silent."""
    data = frame.data.copy()
    data[::2] = 0
    return replace(frame, data=data)


def _moved(generator: np.random.Generator, frame: KSpaceFrame) -> KSpaceFrame:
    """The patient has moved by centimeters since the planning scan."""
    rows, columns = frame.data.shape[-2:]
    shift = generator.uniform(12.0, 25.0, 2) * generator.choice([-1.0, 1.0], 2)
    ramps = [
        np.exp(-2j * np.pi * by * np.fft.fftshift(np.fft.fftfreq(n)))
        for by, n in zip(shift, (rows, columns), strict=True)
    ]
    return replace(frame, data=(frame.data * np.outer(*ramps)).astype(np.complex64))


def _of_somebody_else(generator: np.random.Generator, frame: KSpaceFrame) -> KSpaceFrame:
    """Another geometry: the planning scan mirrored."""
    return replace(frame, data=np.ascontiguousarray(frame.data[:, :, ::-1]))


FAILURES = (
    Failure("none"),
    Failure("noise", _noisier),
    Failure("spikes", _spikes),
    Failure("wrong lines", _wrong_lines),
    Failure("phase jumps", _phase_jumps),
    Failure("dead coils", _dead_coils),
    Failure("moved patient", None, _moved),
    Failure("wrong planning scan", None, _of_somebody_else),
)


def _brightness(frame: KSpaceFrame) -> float:
    """About the root mean square of the image, by Parseval from the sampled lines."""
    energy = float((np.abs(frame.data) ** 2).sum()) / frame.data.shape[0]
    return float(np.sqrt(energy / np.prod(frame.image_shape)))


def _noise(generator: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.complex64]:
    return generator.standard_normal((*shape, 2), dtype=np.float32).view(np.complex64)[..., 0]


def _sampled(frame: KSpaceFrame, data: NDArray[np.complex64]) -> KSpaceFrame:
    return replace(frame, data=np.where(frame.mask[None, :, :, None], data, np.complex64(0)))
