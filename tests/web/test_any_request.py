"""Whatever is asked of any route, with the page's key: it is answered, or refused as the asker's fault, never 500."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from starlette.routing import Route
from starlette.testclient import TestClient

from classifier.catalog import ranking
from classifier.catalog.ranking import Rank
from classifier.records import Action
from classifier.web.app import Review
from kit.reviewing import served, waiting_library

if TYPE_CHECKING:
    from collections.abc import Iterator

WAITING = [
    (Action.REVIEW, "cat", 0.5),
    (Action.REVIEW, "dog", 0.4),
    (Action.UNKNOWN, "", 0.3),
    (Action.FILE, "cat", 0.9),
]
DEEP = b'{"answers": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
ODD_NUMBERS = [-1, 0, 1, 2**31, 2**63, -(2**63) - 1, 10**20, 10**400, 0.5, 1e308, float("nan"), float("inf")]
ODD_TEXTS = [
    "",
    "\0",
    "\ud800",
    "漫画",
    "a" * 5000,
    "../x",
    "0" * 64,
    "1e5",
    "\uff11",
    "²",
    "_review",
    "\x1b[31m",
    "NaN",
]
WORDS = ["answers", "picture", "said", "category", "steps", "count", "by_threshold", "make", "rename", "to", "token"]
KEYS = ["tray", "order", "category", "skipped", "grid", "look", "limit", "after", "folder", "token", "key"]
KNOWN = [
    "review",
    "unknown",
    "skipped",
    "file",
    "right",
    "wrong",
    "none of these",
    "surety",
    "newest",
    "path",
    "learned",
]

scalars = (
    st.none() | st.booleans() | st.sampled_from(ODD_NUMBERS) | st.sampled_from(ODD_TEXTS + KNOWN) | st.text(max_size=9)
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
    max_leaves=8,
)
queries = st.dictionaries(
    st.sampled_from(KEYS), st.sampled_from(ODD_TEXTS + KNOWN) | scalars.map(str) | values.map(json.dumps), max_size=5
).map(lambda query: {key: value.encode(errors="replace").decode() for key, value in query.items()})


@st.composite
def answers(draw: st.DrawFn) -> Any:
    """Nearly what the page sends: parts of it are right, or gone."""
    one = st.fixed_dictionaries(
        {"picture": st.sampled_from(["picture 0", "picture 1", "0" * 64]), "said": st.sampled_from(KNOWN)},
        optional={"category": st.sampled_from(["cat", "dog", None]) | scalars},
    )
    several = st.lists(one | values, min_size=1, max_size=3)
    return draw(st.fixed_dictionaries({}, optional={"answers": several, "steps": scalars | st.integers(0, 3)}))


bodies = st.one_of(
    (values | answers()).map(lambda value: json.dumps(value).encode()),
    st.binary(max_size=40),
    st.sampled_from(
        [DEEP, b"[" * 200_000, b'{"steps": ' + b"9" * 5000 + b"}", b'{"make": "\\ud800"}', b"\xff\xfe{\0}\0"]
    ),
)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, list[str]]]:
    library, ids = waiting_library(tmp_path_factory.mktemp("any"), WAITING)
    ranks = [Rank(n, picture, "review", "cat", 0.9 - n / 10, n, None) for n, picture in enumerate(ids[:2])]
    ranking.write(library, ranks, meta={"categories": ["cat", "dog"], "temperature": 1.0, "verdicts": 0})
    with served(library) as client:
        yield client, list(ids)


def routes() -> list[tuple[str, str]]:
    """Each method and path of the page's server."""
    app = Review(Path("nowhere")).app
    found = [one for one in app.routes if isinstance(one, Route)]
    return [(method, one.path) for one in found for method in sorted(one.methods or ()) if method in {"GET", "POST"}]


@pytest.mark.parametrize("path", [path for method, path in routes() if method == "GET"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(query=queries, picture=st.sampled_from([*ODD_TEXTS, "picture 0"]), size=st.sampled_from(["small", "large", "x"]))
@example(query={"after": "[1, 0]", "order": "path"}, picture="x", size="x")
@example(query={"after": '[1, "x", 0, 0]', "order": "learned"}, picture="picture 0", size="small")
@example(query={"after": "[1, 1e308, 100000000000000000000, 0]", "order": "learned"}, picture="\0", size="x")
@example(query={"look": "99999999999999999999", "limit": "9" * 5000}, picture="\uff10" * 64, size="small")
@example(query={"after": "[" * 5_000}, picture="x", size="x")
def test_any_query_gets_a_response(
    page: tuple[TestClient, list[str]], path: str, query: dict[str, str], picture: str, size: str
) -> None:
    client, ids = page
    named = picture.replace("picture 0", ids[0]).encode(errors="replace").decode()
    filled = path.replace(":id", "").format_map({"picture": quoted(named), "size": size, "name": quoted(named)})
    answer = client.get(filled, params=query)

    assert answer.status_code in {200, 400, 401, 404, 409}


@pytest.mark.parametrize("path", ["/api/open", *(path for method, path in routes() if method == "POST")])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=bodies)
@example(body=DEEP)
@example(body=b'{"count": 99999999999999999999, "steps": 99999999999999999999}')
@example(body=b'{"answers": [{"picture": "\\ud800", "said": "right", "category": "\\ud800"}]}')
@example(body=b'{"make": "\\ud800"}')
@example(body=b'{"rename": "cat", "to": "\\udfff"}')
@example(body=b'{"answers": NaN}')
def test_any_body_gets_a_response(page: tuple[TestClient, list[str]], path: str, body: bytes) -> None:
    client, ids = page
    for number in range(2):
        body = body.replace(f"picture {number}".encode(), ids[number].encode())
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})

    assert answer.status_code in {200, 400, 401, 409}


@pytest.mark.parametrize("length", ["", "x", "-1", "²", "9" * 5000, "262145", "1e3"])
def test_any_content_length_gets_a_response(page: tuple[TestClient, list[str]], length: str) -> None:
    client, _ = page
    headers = {b"Content-Type": b"application/json", b"Content-Length": length.encode("latin-1")}

    assert 413 == client.post("/api/say", content=b"{}", headers=headers).status_code


def quoted(name: str) -> str:
    return quote(name, safe="")
