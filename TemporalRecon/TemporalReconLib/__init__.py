"""Streaming, causal reconstruction of undersampled MR series, and the live link it comes and goes by."""

__version__ = "0.1.0"
