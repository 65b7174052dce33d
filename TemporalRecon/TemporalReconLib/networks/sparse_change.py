"""The sparse change that the newest lines ask for: where the network starts."""

from __future__ import annotations

import torch

from TemporalReconLib.networks import haar
from TemporalReconLib.networks.line_age import AGE_DECAY, NEVER
from TemporalReconLib.networks.line_encoding import LineEncoding

# One shift for each iteration, so that the wavelets' blocks do not show.
_SHIFTS = ((0, 0), (3, 5), (6, 2), (1, 7), (4, 4), (7, 1))


@torch.no_grad()
def sparse_change(
    encoding: LineEncoding, lines: torch.Tensor, age: torch.Tensor, previous: torch.Tensor, iterations: int
) -> torch.Tensor:
    """The image that explains recent lines and differs from the previous one in few wavelet details.

    Accelerated proximal gradient steps (Beck and Teboulle, SIAM J. Imaging Sci. 2:183, 2009) on prior-image
    compressed sensing (Chen et al., Med. Phys. 35:660, 2008), with lines weighted down by their age and the
    threshold at the noise-like level of the change itself. Nothing here is learned and no gradient passes.

    Parameters
    ----------
    lines
        complex64 (batch, coil, col, ky), newest sample of every line.
    age
        int64 (batch, ky), in frames; ``NEVER`` where there is none.
    previous
        complex64 (batch, row, col).

    Returns
    -------
    torch.Tensor
        complex64 (batch, row, col).
    """
    weights = torch.where(age < NEVER, AGE_DECAY ** age.clamp_max(60).float(), 0.0)[:, None, None]
    image = point = previous
    momentum = 1.0
    for iteration in range(iterations):
        change = point - previous + encoding.whole_adjoint((lines - encoding.whole(point)) * weights)
        shrunk = haar.shrink_details(change, haar.noise_level(change), _SHIFTS[iteration % len(_SHIFTS)])
        renewed = previous + shrunk
        next_momentum = 0.5 * (1.0 + (1.0 + 4.0 * momentum**2) ** 0.5)
        point = renewed + ((momentum - 1.0) / next_momentum) * (renewed - image)
        image, momentum = renewed, next_momentum
    return image
