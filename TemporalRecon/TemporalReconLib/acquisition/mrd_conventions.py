"""What writer and readers of ISMRMRD (MRD) files agree on."""

SERIES_GROUP = "dataset"
# Our simulator's convention: a fully sampled planning scan beside the series, itself an ISMRMRD data set.
PLANNING_GROUP = "planning"
# User parameter of the header: UTC epoch seconds from which our writer counts.
TIME_ORIGIN_PARAMETER = "time_origin_s"
# Of time stamps, as Siemens counts them.
SECONDS_PER_TICK = 0.0025
