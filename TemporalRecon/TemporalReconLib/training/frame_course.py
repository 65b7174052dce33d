"""Which frames of a stored series an example shows, one after the other."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Share of the examples that show the story as it was.
_AS_IT_WAS = 0.5
# Of the others: how often the story goes on at another place, and how it goes on from there (frames per frame).
_JUMPS = 0.15
_PACES = (-1, 1, 1, 2)


def random_course(generator: np.random.Generator, n_available: int, n_frames: int) -> NDArray[np.int64]:
    """Frame numbers, int64 (n_frames,): half of the time consecutive ones, else with jumps, forth and back.

    A story is told once, with one entry of the guide and one shot: from consecutive frames alone a network learns that
    next to nothing happens, and waits. With jumps whole needles and guides come and go between two frames.

    Parameters
    ----------
    n_available
        Frames of the series, at least ``n_frames``.
    """
    place = int(generator.integers(0, n_available - n_frames + 1))
    if generator.random() < _AS_IT_WAS:
        return np.arange(place, place + n_frames)
    course, pace = [], 1
    for _ in range(n_frames):
        course.append(place)
        if generator.random() < _JUMPS:
            place, pace = int(generator.integers(n_available)), int(generator.choice(_PACES))
            continue
        if not 0 <= place + pace < n_available:
            pace = -pace
        place = int(np.clip(place + pace, 0, n_available - 1))
    return np.array(course)
