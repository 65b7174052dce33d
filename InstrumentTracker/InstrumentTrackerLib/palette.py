"""Colors of what is drawn: a thing has one color, in the scene, in pictures, on paper and in figures.

They are from the palette of Okabe and Ito (2008), which people with any common color vision deficiency can tell apart.
Each is red, green, blue, 0 to 1.
"""

Color = tuple[float, float, float]

SKY_BLUE: Color = (0.337, 0.706, 0.914)
ORANGE: Color = (0.902, 0.624, 0.0)
YELLOW: Color = (0.941, 0.894, 0.259)
BLUISH_GREEN: Color = (0.0, 0.780, 0.560)  # a little lighter than the original, for a black background
VERMILLION: Color = (0.961, 0.420, 0.090)  # likewise
PURPLE: Color = (0.867, 0.533, 0.706)
WHITE: Color = (1.0, 1.0, 1.0)
GREY: Color = (0.65, 0.65, 0.65)
BLACK: Color = (0.0, 0.0, 0.0)

GUIDE_COLOR = SKY_BLUE
NEEDLE_COLOR = ORANGE
CORE_COLOR = NEEDLE_COLOR  # the needle takes it
PROJECTION_COLOR = YELLOW
TARGET_COLOR = PURPLE
PLAN_COLOR = BLUISH_GREEN
TO_TARGET_COLOR = WHITE
UNCERTAINTY_COLOR = NEEDLE_COLOR
TRAIL_COLOR: Color = (1.0, 0.85, 0.55)  # of the needle, paler: where it was

# On white the colors are too pale for letters: the same hues, darker.
CORE_ON_PAPER: Color = (0.600, 0.415, 0.0)
TARGET_ON_PAPER: Color = (0.652, 0.247, 0.457)


def as_bytes(color: Color) -> tuple[int, int, int]:
    """0 to 255, as pixels have it."""
    red, green, blue = (round(255 * value) for value in color)
    return red, green, blue


def as_html(color: Color) -> str:
    """``#rrggbb``, as HTML, SVG and Qt write it."""
    return "#" + "".join(f"{value:02x}" for value in as_bytes(color))
