"""Who may ask: the page that was opened with the token, at its own address, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from classifier.errors import LibraryError, SettingsError
from classifier.records import Action
from classifier.web.app import Review
from classifier.web.security import KEY_HEADER, PageSession, SecurityMiddleware
from classifier.web.server import serve
from kit.reviewing import OWN, PORT, TOKEN, open_page, served, waiting_library

if TYPE_CHECKING:
    from collections.abc import Iterator

ANSWER = {"answers": [{"picture": "0" * 64, "said": "skipped"}]}


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    library, _ = waiting_library(tmp_path, [(Action.REVIEW, "chibi", 0.5)])
    with served(library) as client:
        yield client


@pytest.fixture
def stranger(client: TestClient) -> TestClient:
    """A browser in which the page was not opened."""
    del client.headers[KEY_HEADER]
    return client


@pytest.fixture
def once() -> Iterator[tuple[TestClient, PageSession]]:
    """A page without a chosen token, that answers "there" to whom the guard lets in."""
    session = PageSession()
    app = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse("there"))])
    with TestClient(SecurityMiddleware(app, session=session, host="127.0.0.1", port=PORT), base_url=OWN) as client:
        client.headers["Origin"] = OWN
        yield client, session


def test_no_cookie_is_ever_given_or_taken(client: TestClient) -> None:
    answers = [client.get("/"), client.get(f"/?token={TOKEN}"), client.post("/api/open", json={"token": TOKEN})]
    keys = answers[-1].json()
    del client.headers[KEY_HEADER]
    cookies = "; ".join(f"{name}={value}" for name, value in keys.items())

    assert [200] * 3 == [answer.status_code for answer in answers]
    assert not any("set-cookie" in answer.headers for answer in answers)
    assert 401 == client.get("/api/state", headers={"Cookie": cookies}).status_code


@pytest.mark.parametrize("path", ["/api/state", "/api/queue", "/api/near", "/picture/0/small", "/nowhere", "/api"])
@pytest.mark.parametrize("key", [None, "", "x", "\xe9", TOKEN])
def test_without_the_key_nothing_about_the_library_is_sent(stranger: TestClient, path: str, key: str | None) -> None:
    headers = {} if key is None else {KEY_HEADER.encode(): key.encode("latin-1")}

    assert 401 == stranger.get(path, headers=headers, follow_redirects=False).status_code


@pytest.mark.parametrize("path", ["/", "/?token=other", "/static/main.js"])
def test_the_pages_own_files_hold_no_secret(stranger: TestClient, path: str) -> None:
    answer, session = stranger.get(path), PageSession(TOKEN)

    assert 200 == answer.status_code
    assert not any(secret in answer.text for secret in (TOKEN, session.keys.page, session.keys.pictures))


def test_the_token_opens_only_the_page(stranger: TestClient) -> None:
    assert 401 == stranger.get(f"/api/state?token={TOKEN}").status_code
    assert 401 == stranger.get(f"/api/state?key={TOKEN}").status_code


def test_a_generated_token_opens_the_page_once(once: tuple[TestClient, PageSession]) -> None:
    client, session = once
    first, second = session.new_token(), session.new_token()
    opened = [client.post("/api/open", json={"token": token}) for token in (first, first, "x", second, second)]

    assert [200, 401, 401, 200, 401] == [answer.status_code for answer in opened]
    assert opened[0].json() == opened[3].json()
    assert first not in opened[0].text


def test_fetching_the_address_ahead_does_not_spend_it(once: tuple[TestClient, PageSession]) -> None:
    client, session = once
    token = session.new_token()
    for method in ("GET", "HEAD", "GET"):
        client.request(method, f"/?token={token}")
    assert 405 == client.get("/api/open").status_code
    assert 200 == client.post("/api/open", json={"token": token}).status_code


def test_keys_are_new_with_each_start_but_for_a_chosen_token() -> None:
    assert PageSession().keys != PageSession().keys
    assert PageSession(TOKEN).keys == PageSession(TOKEN).keys != PageSession(f"{TOKEN}x").keys


def test_the_key_in_an_image_address_opens_only_images(stranger: TestClient) -> None:
    pictures = PageSession(TOKEN).keys.pictures

    assert 404 == stranger.get(f"/picture/{'0' * 64}/small?key={pictures}").status_code
    assert 401 == stranger.get(f"/api/state?key={pictures}").status_code
    assert 401 == stranger.get("/api/state", headers={KEY_HEADER: pictures}).status_code


def test_the_page_sends_its_key_in_a_header(once: tuple[TestClient, PageSession]) -> None:
    client, session = once
    client.headers[KEY_HEADER] = session.keys.page

    assert "there" == client.get("/api/state").text


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        f"evil.example:{PORT}",
        "127.0.0.1",
        "127.0.0.1:1",
        f"127.0.0.1.evil.example:{PORT}",
        f"192.168.0.2:{PORT}",
        "",
    ],
)
def test_another_host_is_refused(client: TestClient, host: str) -> None:
    assert 403 == client.get("/api/state", headers={"Host": host}).status_code


@pytest.mark.parametrize("host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"[::1]:{PORT}"])
def test_its_own_host_names_are_accepted(client: TestClient, host: str) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}

    assert 200 == client.get("/api/state", headers=headers).status_code


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "https://127.0.0.1:8123", "http://127.0.0.1", "http://localhost:8123"]
)
@pytest.mark.parametrize("path", ["/api/say", "/api/back", "/api/file", "/api/open"])
def test_a_request_from_another_origin_changes_nothing(client: TestClient, path: str, origin: str) -> None:
    assert 403 == client.post(path, json=ANSWER, headers={"Origin": origin}).status_code


@pytest.mark.parametrize("path", ["/api/say", "/api/back", "/api/file"])
def test_a_change_needs_an_origin_json_and_post(client: TestClient, path: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    text = {"Content-Type": "text/plain"}

    assert {415} == {client.post(path, content="{}", headers=headers).status_code for headers in (form, text)}
    assert 405 == client.get(path).status_code
    del client.headers["Origin"]
    assert 403 == client.post(path, json=ANSWER).status_code


def test_an_embedded_request_of_another_site_is_refused(client: TestClient) -> None:
    assert 403 == client.get("/api/state", headers={"Sec-Fetch-Site": "cross-site"}).status_code


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_other_methods_are_refused(client: TestClient, method: str) -> None:
    assert 405 == client.request(method, "/api/state").status_code


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/queue", "/static/main.js", "/nowhere", "/picture/x/small"])
def test_every_response_forbids_what_the_page_does_not_need(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))

    assert "'none'" == policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"]
    assert "'self'" == policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["connect-src"]
    assert "nosniff" == headers["x-content-type-options"]
    assert "no-referrer" == headers["referrer-policy"]
    assert "same-origin" == headers["cross-origin-resource-policy"]
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/api/state", "/api/queue"])
def test_responses_about_the_library_are_not_cached(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert (200, "no-store") == (answer.status_code, answer.headers["cache-control"])


@pytest.mark.parametrize("token", [None, "", "short"])
def test_other_machines_are_let_in_only_with_a_chosen_token(tmp_path: Path, token: str | None) -> None:
    library, _ = waiting_library(tmp_path, [])
    with pytest.raises(SettingsError, match="choose a --token of at least 12 characters"):
        serve(library, host="0.0.0.0", port=0, token=token, opened=print)  # noqa: S104 - refused


def test_served_to_other_machines_it_accepts_addresses_and_no_names(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, [])
    guarded = SecurityMiddleware(Review(library).app, session=PageSession(TOKEN), host="0.0.0.0", port=PORT)  # noqa: S104 - nothing listens
    own = f"http://192.168.0.2:{PORT}"
    with TestClient(guarded, base_url=own, headers={"Origin": own}) as client:
        open_page(client)
        assert 200 == client.get("/api/state").status_code
        assert 403 == client.get("/", headers={"Host": f"evil.example:{PORT}"}).status_code


def test_looking_for_a_library_creates_none(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="there is no such folder"):
        serve(tmp_path / "nowhere", host="127.0.0.1", port=0, token=None, opened=print)

    assert not (tmp_path / "nowhere").exists()


def test_the_printed_address_is_that_of_the_server(client: TestClient) -> None:
    assert OWN == str(client.base_url)
