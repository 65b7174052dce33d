"""Keeps PySide6 6.12 from freeing ``None``, ``True`` and ``False`` on Python 3.10 and 3.11.

Its functions return them without counting the reference (measured: one lost per call). They are immortal from
Python 3.12 on; before, the interpreter aborts with "deallocating None" after some ten thousand calls.
"""

from __future__ import annotations

import ctypes
import sys


def keep_singletons_alive() -> None:
    """Give them more references than a test run can lose."""
    if sys.implementation.name == "cpython" and sys.version_info < (3, 12):
        for singleton in (None, True, False):
            ctypes.c_ssize_t.from_address(id(singleton)).value += 2**40
