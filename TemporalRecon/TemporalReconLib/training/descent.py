"""One optimizer step as every training here takes it."""

from __future__ import annotations

import logging
import math

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

logger = logging.getLogger(__name__)

_WEIGHT_DECAY = 1e-4


class Descent:
    """AdamW on a linear warm-up and a half cosine down to zero, with bounded gradients and averaged weights.

    Parameters
    ----------
    average
        Follows the network after every step.
    peak_rate, steps, warm_up_steps
        Of the learning rate's schedule.
    gradient_limit
        Largest norm of the gradient.
    """

    def __init__(
        self,
        network: nn.Module,
        average: AveragedModel,
        peak_rate: float,
        steps: int,
        warm_up_steps: float,
        gradient_limit: float,
    ) -> None:
        self._network, self._average = network, average
        self._peak_rate, self._steps, self._warm_up_steps = peak_rate, steps, warm_up_steps
        self._gradient_limit = gradient_limit
        self.optimizer = torch.optim.AdamW(network.parameters(), lr=peak_rate, weight_decay=_WEIGHT_DECAY)

    def step(self, loss: torch.Tensor, number: int) -> float:
        """Take step ``number``, unless its gradient is not finite; gives the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = self._peak_rate * self._share(number)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self._network.parameters(), self._gradient_limit)
        if torch.isfinite(norm):
            self.optimizer.step()
            self._average.update_parameters(self._network)
        else:
            logger.warning("step %d: gradient is not finite, step skipped", number)
        return float(loss.detach())

    def _share(self, number: int) -> float:
        """Of the peak rate; by the step's number alone, so that a resumed run has the same schedule."""
        warm = min(1.0, (number + 1) / self._warm_up_steps)
        return warm * 0.5 * (1.0 + math.cos(math.pi * number / self._steps))
