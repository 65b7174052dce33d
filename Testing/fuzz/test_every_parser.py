"""Whatever bytes come, every parser reads them or refuses them in one line; nothing else.

``FUZZ_EXAMPLES=20000 python -m pytest Testing/fuzz`` looks longer; ``python Testing/fuzz/fuzz_parsers.py`` looks with
the help of what the bytes reach in the code.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from parsers import PARSERS, try_parser

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))


@st.composite
def damaged(draw, name):
    """Good input with some bytes changed, cut out or put in."""
    raw = bytearray(draw(st.sampled_from(PARSERS[name].seeds)))
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.integers(0, max(0, len(raw) - 1)))
        raw[position : position + draw(st.sampled_from([0, 1, 1, 2, 4, 32]))] = draw(st.binary(max_size=4))
    return bytes(raw)


@pytest.mark.parametrize("name", PARSERS)
def test_good_input_is_read(name):
    for seed in PARSERS[name].seeds:
        PARSERS[name].read(seed)


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_input_is_read_or_refused_in_one_line(name, data):
    try_parser(name, data.draw(st.one_of(damaged(name), damaged(name), st.binary(max_size=100))))
