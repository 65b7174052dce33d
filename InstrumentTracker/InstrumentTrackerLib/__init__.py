"""Find the needle guide and the needle in reconstructed frames, follow them, and measure against the target."""

from TemporalReconLib import __version__

__all__ = ["__version__"]
