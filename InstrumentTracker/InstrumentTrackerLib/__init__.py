"""Find the needle guide and the needle in reconstructed frames, follow them, and measure against the target."""

__version__ = "0.1.0"
