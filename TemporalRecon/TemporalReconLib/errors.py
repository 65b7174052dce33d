"""Errors a user can act on."""


class InputError(ValueError):
    """Bad usage or bad input: the message is one line that says what, where, what was expected, what to do.

    The command line turns it into that line on stderr and exit code 2; the live engine counts it, logs it
    and drops the message that caused it.
    """
