"""Windows of frames through CRNN-MRI, with the loss of its authors."""

from __future__ import annotations

import torch
from monai.losses.ssim_loss import SSIMLoss
from torch import nn

from TemporalReconLib.networks.crnn_mri import CrnnMri, NontemporalCrnnMri
from TemporalReconLib.networks.line_encoding import LineEncoding
from TemporalReconLib.reconstruction.crnn_reconstruction import WINDOW_FRAMES
from TemporalReconLib.training.unroll import Progress, SampledBatch, Unroll
from TemporalReconLib.training.validation import Validation, psnr_of


class CrnnUnroll(Unroll):
    """Each window for itself: 1 - SSIM of the magnitudes (Noordman et al., J. Med. Imaging 12:035001, 2025).

    The planning scan is not used, and a window knows nothing of the one before.
    """

    network: CrnnMri

    def __init__(self, network: CrnnMri) -> None:
        super().__init__()
        self.network = network
        self.method = "nontemporal" if isinstance(network, NontemporalCrnnMri) else "bcrnn"
        # Images are scaled so that tissue is about 1.
        self._dissimilarity = SSIMLoss(spatial_dims=2, data_range=1.0)

    def forward(self, sampled: SampledBatch, progress: Progress, frames: range) -> torch.Tensor:
        images, targets = self._window(self.network, sampled, progress, frames)
        # In full precision: local variances are small differences of large numbers.
        with torch.autocast(images.device.type, enabled=False):
            loss: torch.Tensor = self._dissimilarity(
                images.abs().flatten(0, 1)[:, None], targets.flatten(0, 1)[:, None]
            )
        return loss

    def validate(self, network: nn.Module, sampled: SampledBatch) -> Validation:
        progress = sampled.begin()
        windows = [
            self._window(network, sampled, progress, range(first, min(first + WINDOW_FRAMES, sampled.n_frames)))
            for first in range(0, sampled.n_frames, WINDOW_FRAMES)
        ]
        images, targets = (torch.cat(parts, dim=1) for parts in zip(*windows, strict=True))
        return psnr_of(images, targets, sampled.batch.maps[:, :, 2])

    def _window(
        self, network: nn.Module, sampled: SampledBatch, progress: Progress, frames: range
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Images and true magnitudes of consecutive frames, (batch, frame, row, col)."""
        known = [sampled.observe(frame, progress) for frame in frames]
        encoding = LineEncoding(
            _windows([item.sensitivities for item in known]),
            _windows([item.line_index for item in known]),
            _windows([item.is_sampled for item in known]),
        )
        samples = encoding.chosen(_windows([item.lines for item in known]))
        zero_filled = encoding.sampled_adjoint(samples).unflatten(0, (-1, len(frames)))
        targets = torch.stack([sampled.target(frame) for frame in frames], dim=1).abs()
        return network(zero_filled, encoding, samples), targets


def _windows(frames: list[torch.Tensor]) -> torch.Tensor:
    """Frames (batch, ...) -> (batch * frame, ...), all of the first window before the second."""
    return torch.stack(frames, dim=1).flatten(0, 1)
