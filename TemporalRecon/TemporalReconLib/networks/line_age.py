"""How old the newest sample of a line is, in frames, and what that is worth."""

from __future__ import annotations

# Age of a line that was never sampled.
NEVER = 1_000_000
# The planning scan's lines are older than any frame's.
PLANNING_AGE = 500
# Of a line's weight per frame of its age, for methods that weight old lines down.
AGE_DECAY = 0.3
