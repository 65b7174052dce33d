"""Measures of guide and needle on which all localizers agree; imports nothing."""

# The guide tip lies in the middle of the dark cap; the cap's outer end lies this far beyond it, mm. A needle shows from
# there on.
CAP_REACH_MM = 5.0
# A bent needle is a parabola; its bend is stated at this reach beyond the guide tip, mm.
BEND_REFERENCE_MM = 30.0
# Half of the width of the needle's label, which covers the void about the metal: a void may be thinner than a pixel, a
# label should not.
VOID_RADIUS_MM = 1.5
