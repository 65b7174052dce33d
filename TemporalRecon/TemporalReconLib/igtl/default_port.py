"""Where an engine listens and is looked for unless told otherwise; imports nothing, for panels and command lines."""

# The port of Slicer and of other programs that speak OpenIGTLink.
DEFAULT_PORT = 18944
