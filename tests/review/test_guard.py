"""Who may ask: the page that was opened with the token, at its own address, and nobody else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.testclient import TestClient

from classifier.errors import LibraryError, SettingsError
from classifier.records import Action
from classifier.review.app import Review
from classifier.review.guard import Guard
from classifier.review.serve import serve
from kit.reviewing import OWN, PORT, TOKEN, served, waiting_library

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
    """A browser that has not opened the printed address."""
    client.cookies.clear()
    return client


def test_the_token_becomes_a_cookie_that_no_script_and_no_other_site_can_use(client: TestClient) -> None:
    client.cookies.clear()
    answer = client.get(f"/?token={TOKEN}", follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()

    assert (303, "/") == (answer.status_code, answer.headers["location"])
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert 200 == client.get("/").status_code


@pytest.mark.parametrize("path", ["/", "/?token=", "/?token=other", "/api/state", "/page/main.js", "/picture/0/small"])
def test_without_the_token_nothing_is_answered(stranger: TestClient, path: str) -> None:
    assert 401 == stranger.get(path, follow_redirects=False).status_code


def test_the_token_opens_nothing_but_the_page_itself(stranger: TestClient) -> None:
    assert 401 == stranger.get(f"/api/state?token={TOKEN}").status_code


@pytest.mark.parametrize("cookie", ["", "x", "é", TOKEN])
def test_a_guessed_cookie_opens_nothing(stranger: TestClient, cookie: str) -> None:
    value = f"illsort-{PORT}={cookie}".encode()

    assert 401 == stranger.get("/api/state", headers=[(b"Cookie", value)]).status_code


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
def test_its_own_names_are_answered(client: TestClient, host: str) -> None:
    cookie = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    headers = {"Host": host, "Origin": f"http://{host}", "Cookie": cookie}

    assert 200 == client.get("/api/state", headers=headers).status_code


@pytest.mark.parametrize(
    "origin", ["null", "http://evil.example", "https://127.0.0.1:8123", "http://127.0.0.1", "http://localhost:8123"]
)
@pytest.mark.parametrize("path", ["/api/say", "/api/back", "/api/file"])
def test_another_origin_changes_nothing(client: TestClient, path: str, origin: str) -> None:
    assert 403 == client.post(path, json=ANSWER, headers={"Origin": origin}).status_code


@pytest.mark.parametrize("path", ["/api/say", "/api/back", "/api/file"])
def test_a_change_takes_an_origin_json_and_post(client: TestClient, path: str) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    text = {"Content-Type": "text/plain"}

    assert {415} == {client.post(path, content="{}", headers=headers).status_code for headers in (form, text)}
    assert 405 == client.get(path).status_code
    del client.headers["Origin"]
    assert 403 == client.post(path, json=ANSWER).status_code


def test_what_another_site_embeds_is_refused(client: TestClient) -> None:
    assert 403 == client.get("/api/state", headers={"Sec-Fetch-Site": "cross-site"}).status_code


@pytest.mark.parametrize("method", ["PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
def test_no_other_method_is_known(client: TestClient, method: str) -> None:
    assert 405 == client.request(method, "/api/state").status_code


@pytest.mark.parametrize("path", ["/", "/api/state", "/api/queue", "/page/main.js", "/nowhere", "/picture/x/small"])
def test_every_answer_forbids_what_the_page_does_not_need(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))

    assert "'none'" == policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"]
    assert "'self'" == policy["script-src"] == policy["style-src"] == policy["img-src"] == policy["connect-src"]
    assert "nosniff" == headers["x-content-type-options"]
    assert "no-referrer" == headers["referrer-policy"]
    assert "same-origin" == headers["cross-origin-resource-policy"]
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/api/state", "/api/queue"])
def test_no_answer_about_the_library_is_kept_by_the_browser(client: TestClient, path: str) -> None:
    answer = client.get(path)

    assert (200, "no-store") == (answer.status_code, answer.headers["cache-control"])


@pytest.mark.parametrize("token", [None, "", "short"])
def test_other_machines_are_let_in_only_with_a_chosen_token(tmp_path: Path, token: str | None) -> None:
    library, _ = waiting_library(tmp_path, [])
    with pytest.raises(SettingsError, match="choose a --token of at least 12 characters"):
        serve(library, host="0.0.0.0", port=0, token=token, opened=print)  # noqa: S104 - refused


def test_served_to_others_it_answers_to_addresses_and_not_to_names(tmp_path: Path) -> None:
    library, _ = waiting_library(tmp_path, [])
    guarded = Guard(Review(library).app, token=TOKEN, host="0.0.0.0", port=PORT)  # noqa: S104 - nothing listens
    with TestClient(guarded, base_url=f"http://192.168.0.2:{PORT}") as client:
        assert 200 == client.get(f"/?token={TOKEN}").status_code
        assert 403 == client.get("/", headers={"Host": f"evil.example:{PORT}"}).status_code


def test_no_library_is_made_by_looking_for_one(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="is not an illsort library"):
        serve(tmp_path / "nowhere", host="127.0.0.1", port=0, token=None, opened=print)

    assert not (tmp_path / "nowhere").exists()


def test_the_address_is_its_own(client: TestClient) -> None:
    assert OWN == str(client.base_url)
