"""The planned target: what is accepted, and what is refused with one clear line."""

from __future__ import annotations

import numpy as np
import pytest
from InstrumentTrackerLib.targeting.target import Target
from TemporalReconLib.errors import InputError


def test_a_target_is_read_from_three_numbers():
    target = Target.parse(" -12.5, 30 ,5e0", "0,-60,-80")
    np.testing.assert_array_equal(target.position, [-12.5, 30.0, 5.0])
    np.testing.assert_array_equal(target.entry, [0.0, -60.0, -80.0])


def test_no_target_is_no_target():
    assert Target.parse(None) is None


def test_an_entry_without_a_target_is_refused():
    with pytest.raises(InputError, match="--target"):
        Target.parse(None, "1,2,3")


@pytest.mark.parametrize(
    "text", ["", "1,2", "1,2,3,4", "1 2 3", "a,b,c", "1;2;3", "1,,3", "1,2,nan", "inf,0,0", "9e9,0,0"]
)
def test_a_text_that_is_not_a_position_is_refused_in_one_line(text):
    with pytest.raises(InputError) as caught:
        Target.parse(text)
    assert "target" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_entry_on_the_target_is_refused():
    with pytest.raises(InputError, match="entry"):
        Target([1.0, 2.0, 3.0], [1.0, 2.0, 3.2])


def test_a_target_cannot_be_changed_by_its_callers_array():
    position = np.array([1.0, 2.0, 3.0])
    target = Target(position)
    position[:] = 0
    np.testing.assert_array_equal(target.position, [1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="read-only"):
        target.position[0] = 5.0
