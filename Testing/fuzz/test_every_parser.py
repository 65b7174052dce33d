"""Whatever bytes come, every parser reads them or refuses them in one line; nothing else.

``FUZZ_EXAMPLES=20000 python -m pytest Testing/fuzz`` looks longer; ``python Testing/fuzz/fuzz_parsers.py`` looks with
the help of what the bytes reach in the code.
"""

from __future__ import annotations

import os
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from TemporalReconLib.errors import InputError

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


LONG_KEY = b"\x01" * 20_000
IMAGE = PARSERS["mrd-image"].seeds[0]
FOUND = {
    "a key that is long and not printable": ("metadata", struct.pack(">HHHHI", 10, 1, len(LONG_KEY), 3, 0) + LONG_KEY),
    "attributes of an image that are not XML": ("mrd-image", IMAGE.replace(b"<ismrmrdMeta>", b"<ismrmrdMet >")),
    "attributes of 2^63 bytes": ("mrd-image", IMAGE[:198] + struct.pack("<Q", 2**63) + IMAGE[206:]),
}


@pytest.mark.parametrize(("name", "content"), FOUND.values(), ids=FOUND)
def test_what_fuzzing_found_once_is_refused_in_one_line(name, content):
    with pytest.raises(InputError):
        PARSERS[name].read(content)
    try_parser(name, content)
