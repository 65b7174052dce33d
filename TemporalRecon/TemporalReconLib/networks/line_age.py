"""How old the newest sample of a line is, in frames, where it is of no frame."""

from __future__ import annotations

# Never sampled.
NEVER = 1_000_000
# The planning scan's lines are older than any frame's.
PLANNING_AGE = 500
