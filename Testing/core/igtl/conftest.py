"""A server that keeps what it hears."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from TemporalReconLib.igtl.envelope import Envelope
from TemporalReconLib.igtl.server import IgtlServer


@pytest.fixture
def received() -> list[Envelope]:
    """Messages in the order of arrival."""
    return []


@pytest.fixture
def server(received: list[Envelope]) -> Iterator[IgtlServer]:
    """On a free port of the loopback."""
    with IgtlServer(port=0, on_message=received.append) as running:
        yield running
