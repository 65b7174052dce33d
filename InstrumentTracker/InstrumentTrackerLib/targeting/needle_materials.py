"""What biopsy needles are made of; imports nothing, for command lines and panels ask before anything is loaded."""

# Volume susceptibilities, SI (Schenck 1996, Med Phys 23:815, table I); steel: the least of the non-magnetic kinds.
SUSCEPTIBILITY = {"titanium": 182e-6, "nitinol": 245e-6, "steel": 3520e-6, "ceramic": -9e-6}
TISSUE_SUSCEPTIBILITY = -9e-6
NEEDLE_MATERIALS = tuple(SUSCEPTIBILITY)
