"""The published learned reconstructions: CRNN-MRI over windows of frames, and its ablation without time."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch.nn.utils.rnn import pad_sequence

from TemporalReconLib.acquisition.image_frame import ImageFrame
from TemporalReconLib.acquisition.kspace_frame import KSpaceFrame
from TemporalReconLib.errors import InputError
from TemporalReconLib.networks.crnn_mri import CrnnMri, CrnnMriConfig, NontemporalCrnnMri
from TemporalReconLib.networks.line_encoding import LineEncoding, centering_phase
from TemporalReconLib.reconstruction.coil_calibration import Calibration, CoilCalibration
from TemporalReconLib.reconstruction.line_history import sampled_lines
from TemporalReconLib.reconstruction.reconstructor import MethodInfo
from TemporalReconLib.reconstruction.streaming import Pixels, StreamingReconstructor, unfilled_image
from TemporalReconLib.weights.bundle import Weights, default_weights, fill_network, open_weights

WINDOW_FRAMES = 5


@dataclass(frozen=True, eq=False)
class HeldFrame:
    """A frame until its image is shown: only what was sampled.

    Attributes
    ----------
    unfilled
        The image without pixels.
    lines
        For each slice its sampled lines in hybrid space, complex64 (line, coil, col).
    line_index
        For each slice their phase-encode numbers, int64 (line,).
    """

    unfilled: partial[ImageFrame]
    lines: list[torch.Tensor]
    line_index: list[torch.Tensor]


class Window:
    """Consecutive frames that the network sees together, and their images once they were asked for.

    Calibrated when its last frame has arrived, so that nothing later can change its images.
    """

    def __init__(self, frames: list[HeldFrame], calibration: Calibration) -> None:
        self.frames = frames
        self.calibration = calibration
        self.pixels: list[Pixels] | None = None


class CrnnReconstruction(StreamingReconstructor):
    """Runs a CRNN-MRI network over windows of frames that do not overlap.

    The images of a window exist when its last frame has arrived, and are shown at constant lag: with window length
    N, after frame n the image of frame n - (N - 1). Coil sensitivities and scale come from the planning scan or a
    fully sampled frame, else from all lines that had arrived with the window; a planning *image* is not used.

    Parameters
    ----------
    weights
        As for :func:`~TemporalReconLib.weights.bundle.open_weights`; None for those that come with the product.

    Raises
    ------
    InputError
        If the weights cannot be read or do not fit.
    """

    network_type: type[CrnnMri]

    def __init__(self, device: torch.device, weights: Path | None = None) -> None:
        super().__init__(device)
        name = self.info.name
        opened = open_weights(weights if weights is not None else default_weights(name), name)
        self._network = self.network_type(_config_of(opened))
        fill_network(self._network, opened)
        # A quarter faster on the CPU.
        self._network.to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        self._forget()

    def _forget(self) -> None:
        self._begin(None)

    def _use_planning(self, planning: KSpaceFrame | ImageFrame) -> None:
        self._begin(planning if isinstance(planning, KSpaceFrame) else None)

    def _begin(self, planning: KSpaceFrame | None) -> None:
        self._calibration = CoilCalibration(self.device, planning)
        self._arriving: list[HeldFrame] = []
        self._window: Window | None = None

    def _ingest_lines(self, frame: KSpaceFrame) -> None:
        lines, mask = sampled_lines(frame, self.device)
        self._calibration.ingest(frame, lines, mask)
        by_slice = lines.transpose(0, 1).split(mask.sum(dim=1).tolist())
        line_index = [sampled.nonzero()[:, 0] for sampled in mask]
        self._arriving.append(HeldFrame(unfilled_image(frame, self.info.name), list(by_slice), line_index))
        if len(self._arriving) > self.info.delay_frames:
            self._window = Window(self._arriving, self._calibration.current())
            self._arriving = []

    def _image(self) -> Pixels | None:
        return None if self._window is None else self._pixels_of(self._window)[len(self._arriving)]

    def _unfilled(self, newest: KSpaceFrame) -> partial[ImageFrame]:
        return super()._unfilled(newest) if self._window is None else self._window.frames[len(self._arriving)].unfilled

    def finish(self) -> list[ImageFrame]:
        """The rest of the last window, and the frames after it as a window cut short."""
        images = [] if self._window is None else self._images_of(self._window)[len(self._arriving) + 1 :]
        if self._arriving:
            images += self._images_of(Window(self._arriving, self._calibration.current()))
        return images

    def _images_of(self, window: Window) -> list[ImageFrame]:
        shown = zip(window.frames, self._pixels_of(window), strict=True)
        return [frame.unfilled(data=pixels[0], complex_data=pixels[1]) for frame, pixels in shown]

    def _pixels_of(self, window: Window) -> list[Pixels]:
        if window.pixels is None:
            maps = window.calibration.sensitivities
            stack = torch.stack([self._slice(window, index) for index in range(maps.shape[1])], dim=1)
            singles = [(image * maps[0]).cpu().numpy() if maps.shape[0] == 1 else None for image in stack]
            window.pixels = list(zip(stack.abs().cpu().numpy(), singles, strict=True))
        return window.pixels

    @torch.inference_mode()
    def _slice(self, window: Window, index: int) -> torch.Tensor:
        """Images (frame, row, col) of one slice; slices one by one keep the memory flat."""
        maps = window.calibration.sensitivities[:, index]
        n_frames = len(window.frames)
        row_phase, line_phase = centering_phase(maps.shape[1], self.device)
        # Frames may have different numbers of lines.
        line_indices = [frame.line_index[index] for frame in window.frames]
        line_index = pad_sequence(line_indices, batch_first=True)
        is_sampled = pad_sequence(
            [torch.ones_like(lines, dtype=torch.bool) for lines in line_indices], batch_first=True
        )
        by_column = (maps.transpose(-1, -2) * row_phase).expand(n_frames, -1, -1, -1)
        encoding = LineEncoding(by_column, line_index, is_sampled)
        samples = pad_sequence([frame.lines[index] for frame in window.frames], batch_first=True).permute(0, 2, 3, 1)
        samples = samples * line_phase[line_index][:, None, None] / window.calibration.brightness
        images = self._network(encoding.sampled_adjoint(samples)[None], encoding, samples)[0]
        return images * window.calibration.brightness


class BidirectionalCrnn(CrnnReconstruction):
    """The published temporal method (Noordman et al., J. Med. Imaging 12:035001, 2025), not causal."""

    network_type = CrnnMri
    info = MethodInfo(
        name="bcrnn",
        causal=False,
        delay_frames=WINDOW_FRAMES - 1,
        needs_coil_maps=True,
        description=f"Published bidirectional CRNN over windows of {WINDOW_FRAMES} frames; "
        f"shows the frame {WINDOW_FRAMES - 1} before the newest, as it needs future frames.",
    )


class NontemporalCrnn(CrnnReconstruction):
    """The published ablation: each frame for itself, coil calibration apart."""

    network_type = NontemporalCrnnMri
    info = MethodInfo(
        name="nontemporal",
        causal=True,
        delay_frames=0,
        needs_coil_maps=True,
        description="Published CRNN without time: the newest frame alone, coil calibration apart.",
    )


def _config_of(weights: Weights) -> CrnnMriConfig:
    """What the weights say of their network; files of others say nothing and hold the published one."""
    try:
        return CrnnMriConfig(**weights.config)
    except TypeError:
        raise InputError(
            f"weights {weights.source}: configuration {weights.config}, expected n_iterations and n_filters; "
            "use weights of CRNN-MRI"
        ) from None
