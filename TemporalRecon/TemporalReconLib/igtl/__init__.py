"""OpenIGTLink: our own codec, server and client (struct, numpy, sockets and fastcrc; nothing else)."""
