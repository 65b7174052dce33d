"""What happens in a simulated series, as far as it decides how its frames are counted."""

ORDINARY, WITHOUT, LEAVING = "ordinary", "without instrument", "leaving the plane"
