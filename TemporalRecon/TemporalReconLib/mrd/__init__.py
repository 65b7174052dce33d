"""The MRD streaming protocol (FIRE style): raw lines from a scanner over TCP, images back to it."""
