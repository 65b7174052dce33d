"""A message with what its header and metadata say about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


class Message(Protocol):
    """Content of a message; see :mod:`~TemporalReconLib.igtl.messages` and ``image_message``."""

    @property
    def type_name(self) -> str: ...

    def encode_content(self) -> list[bytes | memoryview]:
        """Buffers that follow each other on the wire; raises InputError if the content cannot be sent."""
        ...


@dataclass(frozen=True, eq=False)
class Envelope:
    """One message, to be sent or as received.

    Attributes
    ----------
    message
        Its content.
    device_name
        1 to 20 printable ASCII characters.
    timestamp
        UTC epoch seconds (mid-acquisition for frames); 0 = unknown.
    metadata
        Printable ASCII keys and values; not sent with version 1 headers.
    message_id
        Identifier of the extended header, 0 = none.
    arrival_time
        UTC epoch seconds when the last byte was received; 0 for messages of our own.
    peer
        ``address:port`` it came from; empty for messages of our own.
    """

    message: Message
    device_name: str
    timestamp: float = 0.0
    metadata: Mapping[str, str] = field(default_factory=dict)
    message_id: int = 0
    arrival_time: float = 0.0
    peer: str = ""

    @property
    def type_name(self) -> str:
        return self.message.type_name
