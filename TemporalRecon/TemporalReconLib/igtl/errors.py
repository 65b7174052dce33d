"""What can be wrong with bytes from the network, and what follows from it."""

from __future__ import annotations

from TemporalReconLib.errors import InputError


class MessageError(InputError):
    """A message is bad but its end is known: it is dropped and counted, the connection goes on.

    Attributes
    ----------
    reason
        One word for the counters: ``crc``, ``name``, ``type``, ``size``, ``metadata``, ``matrix``, ``content``.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class FramingError(InputError):
    """Where the next message begins is unknown (not OpenIGTLink, absurd size, silence): close the connection.

    Attributes
    ----------
    reason
        One word for the counters: ``version``, ``type``, ``size``, ``slow-header``, ``idle-body``, ``cut``.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class LinkLostError(InputError, ConnectionError):
    """The peer cannot be reached or has gone."""
