"""Where to connect to, as a user writes it."""

from __future__ import annotations

from TemporalReconLib.errors import InputError


def parse_address(text: str) -> tuple[str, int]:
    """``HOST:PORT``; raises InputError for anything else."""
    host, separator, port = text.rpartition(":")
    if not separator or not host or not port.isdigit() or not 0 < int(port) < 65536:
        raise InputError(f"'{text}': expected HOST:PORT with a port from 1 to 65535")
    return host.strip("[]"), int(port)
