"""Fills a template and closes the page off: no request, no script but its own, every name shown as text."""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from classifier import __version__
from classifier.report.bars import share_bar
from classifier.report.words import both, percent, shortened

NAME: Final = "report.html"
MARKER: Final = "<!doctype html>\n<!-- written by illsort report: it may be replaced by the next one -->\n"
"""How every report begins, so that no other file is ever replaced."""


def render(template: str, **values: Any) -> str:
    """The whole page from `templates/<template>`; `values` are escaped unless they are markup."""
    environment = Environment(
        loader=PackageLoader("classifier.report"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.globals |= {"t": both, "percent": percent, "share_bar": share_bar, "shortened": shortened}
    style, script = _ours("style.css"), _ours("script.js")
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return MARKER + environment.get_template(template).render(
        style=style,
        script=script,
        policy=policy,
        version=__version__,
        written=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        **values,
    )


def is_ours(head: bytes) -> bool:
    """Whether a file that begins so is a report of ours."""
    return head.startswith(MARKER.encode())


def _ours(name: str) -> Markup:
    text = files("classifier.report").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text.replace("\r\n", "\n"))  # noqa: S704 - a file of this package


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
