"""Renders a template into a page that makes no request and runs no script but its own."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from classifier import __version__
from classifier.paths import displayable
from classifier.report.i18n import both, percent, shortened
from classifier.report.svg import share_bar

NAME: Final = "report.html"
MARKER: Final = "<!doctype html>\n<!-- written by illsort report: it may be replaced by the next one -->\n"
"""The beginning of reports of earlier versions, which have no hash."""
_PROOF: Final = "<!doctype html>\n<!-- written by illsort report, which replaces it unless it was changed: {} -->\n"
_PROOF_PATTERN: Final = re.compile(re.escape(_PROOF).replace(r"\{\}", "([0-9a-f]{64})").encode())


def render(template: str, **values: Any) -> str:
    """A whole report from `templates/<template>`, which proves that nobody changed it; `values` as in `render_page`."""
    body = render_page(template, **values)
    return _PROOF.format(hashlib.sha256(as_bytes(body)).hexdigest()) + body


def render_page(template: str, *, assets: str | None = None, **values: Any) -> str:
    """The page without its doctype; `values` are escaped unless they are markup.

    `assets` names a style and a script of its own beside those of all pages.
    """
    environment = Environment(
        loader=PackageLoader("classifier.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=_finalize,
    )
    environment.globals |= {"t": both, "percent": percent, "share_bar": share_bar, "shortened": shortened}
    style, script = (
        Markup().join(_asset(f"{name}.{kind}") for name in names if name)
        for kind, names in (("css", ("style", assets)), ("js", ("script", assets)))
    )
    policy = (
        f"default-src 'none'; img-src data:; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    return environment.get_template(template).render(
        style=style,
        script=script,
        policy=policy,
        version=__version__,
        written=f"{datetime.now(UTC).astimezone():%Y-%m-%d %H:%M}",
        **values,
    )


def _finalize(value: Any) -> Any:
    """Names and messages as they are shown; markup stays as it is."""
    return displayable(value) if isinstance(value, str | Path) and not isinstance(value, Markup) else value


def as_bytes(page: str) -> bytes:
    """The bytes of a page as written to a file."""
    return page.encode()


def is_own_report(content: bytes) -> bool:
    """Whether this content is a report that nobody changed, as far as earlier versions show it."""
    proof = _PROOF_PATTERN.match(content)
    if proof is None:
        return content.startswith(MARKER.encode())
    return hashlib.sha256(content[proof.end() :]).hexdigest().encode() == proof[1]


def _asset(name: str) -> Markup:
    text = files("classifier.report").joinpath("templates", name).read_text(encoding="utf-8")
    return Markup(text.replace("\r\n", "\n"))  # noqa: S704 - a file of this package


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
