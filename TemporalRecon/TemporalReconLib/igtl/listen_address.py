"""Where a server may listen, and to whom: loopback, or an address together with a list of allowed peers."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from TemporalReconLib.errors import InputError

# Windows' own numbers come through where Python does not translate them (WSAEADDRNOTAVAIL).
_NOT_OURS = (errno.EADDRNOTAVAIL, 10049)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class ListenAddress:
    """A checked address with the networks its peers may come from.

    Raises
    ------
    InputError
        If the address or a network is malformed, or an address beyond loopback comes without allowed peers,
        or allowed peers beyond loopback come without such an address.
    """

    host: str
    port: int
    allowed: tuple[Network, ...]

    @classmethod
    def checked(cls, host: str, port: int, allow: Sequence[str]) -> ListenAddress:
        try:
            address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
        except ValueError:
            raise InputError(f"listening address {host!r}: expected an IP address of this machine") from None
        if not 0 <= port <= 65_535:
            raise InputError(f"port {port}: expected 0 to 65535")
        try:
            allowed = tuple(ipaddress.ip_network(entry, strict=False) for entry in allow)
        except ValueError as error:
            raise InputError(f"allowed peers: {error}; expected for example 10.0.0.5 or 10.0.0.0/24") from None
        if not address.is_loopback and not allowed:
            raise InputError(
                f"listening on {host} needs a list of allowed peers, because OpenIGTLink has no login; "
                "name them, or listen on 127.0.0.1"
            )
        if address.is_loopback and not all(network.is_loopback for network in allowed):
            raise InputError(f"allowed peers cannot reach {host}; name the address to listen on as well")
        return cls(str(address), port, allowed)

    def allows(self, peer_host: str) -> bool:
        """True if a peer with this IP address may connect."""
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(peer_host.partition("%")[0])
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return not self.allowed or any(address in network for network in self.allowed)

    def listen(self) -> socket.socket:
        """A listening socket; raises InputError if the port is taken or the address is not ours."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # restart at once on the same port
        try:
            listener.bind((self.host, self.port))
            listener.listen()
        except OSError as error:
            listener.close()
            if error.errno in _NOT_OURS:
                raise InputError(
                    f"cannot listen on {self.host}:{self.port}: {self.host} is not an address of this machine; "
                    "give one of its own, or 127.0.0.1"
                ) from None
            raise InputError(
                f"cannot listen on {self.host}:{self.port} ({error.strerror}); is another program using this port?"
            ) from None
        return listener
