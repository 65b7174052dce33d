"""How many operations a computation costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

_FLOPS_PER_MAC = 2
# Real products in one of complex numbers.
_COMPLEX_FACTOR = 4


def count_gmac(computation: Callable[[], object]) -> float:
    """Giga multiply-accumulates of real numbers in the convolutions and matrix products of one call.

    A product of complex numbers counts as four. Fourier transforms and pixelwise operations are not counted:
    beside convolutions they are negligible.

    Parameters
    ----------
    computation
        Called once without arguments: ``count_gmac(lambda: network(images, encoding, samples))``.
    """
    products = {torch.ops.aten.mm: _product_flops, torch.ops.aten.bmm: _product_flops}
    with FlopCounterMode(display=False, custom_mapping=products) as counter:
        computation()
    return counter.get_total_flops() / _FLOPS_PER_MAC / 1e9


def _product_flops(first: torch.Tensor, second: torch.Tensor, **_: Any) -> int:
    """Of (batch, row, inner) by (batch, inner, col), with or without batch."""
    flops = _FLOPS_PER_MAC * first.numel() * second.shape[-1]
    return flops * _COMPLEX_FACTOR if first.is_complex() else flops


# torch's own formulas see shapes only; this makes it hand over the tensors.
_product_flops._get_raw = True  # type: ignore[attr-defined]
