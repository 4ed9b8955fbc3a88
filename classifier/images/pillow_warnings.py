"""Keeps Pillow's warnings about odd files off the person's screen, safely with threads.

Must not know pictures: it only speaks to Python's list of warning filters.
"""

from __future__ import annotations

import re
import warnings

_PILLOW = r"PIL\."
_FILTER = ("ignore", None, Warning, re.compile(_PILLOW), 0)


def hush_pillow() -> None:
    """See to it that nothing Pillow warns about is shown or, where warnings are errors, raised.

    `warnings.catch_warnings` swaps the whole list of filters and puts it back, which two threads do to each other's
    harm. This adds one filter in front and leaves it there; it costs a microsecond when it is there already.
    Whatever such a warning is about shows in the outcome as well: a failure, or a picture marked as truncated.
    """
    if not warnings.filters or warnings.filters[0] != _FILTER:
        warnings.filterwarnings("ignore", module=_PILLOW)
