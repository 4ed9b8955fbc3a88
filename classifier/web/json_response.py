"""What the page is answered: JSON that is valid Unicode, whatever is in the names of files."""

from __future__ import annotations

from typing import Any

from starlette.responses import JSONResponse

from classifier.paths import to_json


class Answer(JSONResponse):
    """One answer of the page's server."""

    def render(self, content: Any) -> bytes:
        """The bytes that are sent."""
        return to_json(content).encode()
