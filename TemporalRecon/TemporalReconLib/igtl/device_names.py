"""What the messages of our wire contract are called; imports nothing, for panels and command lines."""

# In.
KSPACE_DEVICE = "KSPACE_IN"
IMAGE_DEVICE = "MR Image"
TARGET_DEVICE = "TARGET"

# Out.
RECON_DEVICE = "RECON"
INSTRUMENT_DEVICE = "INSTRUMENT"
TIP_DEVICE = "TipToRAS"
GUIDE_TIP_DEVICE = "GuideTipToRAS"
SCAN_PLANE_DEVICE = "PLANE_0"
