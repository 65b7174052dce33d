"""What stands beside every number: on the display, on paper, in a saved scene."""

NOTICE = "Research software, not a medical device"
