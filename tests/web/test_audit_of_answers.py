"""The page's audit of what answers elsewhere file: no threshold files here, and a command draws another sample."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

from classifier.audit.session import open_session
from classifier.filing.undo import undo
from classifier.records import AnnotationKind
from classifier.web.home.facts import library_facts
from kit.audits import Kind, filed_library, save_rows
from kit.browser import CHROMIUM, Traffic, browser
from kit.reviewing import blended, served
from kit.serving import server

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.testclient import TestClient

SIXTY = Kind(category="chibi", confidences=[(99 - n) / 100 for n in range(60)])
SOURCE = "s3://bucket/answers"


def library_of(folder: Path, *, drawn: list[int | None], answers: int | None = None) -> Path:
    """A library whose audit is of the bucket, the first `answers` given: what is at most half sure is wrong."""
    library = filed_library(folder, SIXTY, sort={"max_error": 0.1}, content=lambda _, number: blended(number))
    save_rows(library, drawn)
    with open_session(library) as session:
        while (one := session.state.current) is not None and answers != 0:
            session.answer(AnnotationKind.RIGHT if one.confidence >= 0.5 else AnnotationKind.WRONG)
            answers = None if answers is None else answers - 1
    return library


def shown(client: TestClient) -> dict[str, Any]:
    return dict(client.get("/api/audit").json()["audit"])


def test_its_threshold_is_exact_and_files_nothing_here(tmp_path: Path) -> None:
    library = library_of(tmp_path, drawn=[*range(60), 0])
    with served(library) as client:
        told = shown(client)
        refused = client.post("/api/audit/file", json={"by_threshold": True})
        filed = client.post("/api/audit/file", json={}).raise_for_status().json()

    assert (SOURCE, 900, 61, False) == tuple(told[key] for key in ("source", "filed", "asked", "kept"))
    assert {"threshold": "0.49", "kept": 765, "filed": 900} == told["offer"]
    assert (409, f"this audit is of what is filed by the answers at {SOURCE}, and so is its threshold") == (
        refused.status_code,
        refused.json()["error"],
    )
    assert (10, 61, 0) == (filed["moved"], filed["audit"]["asked"], filed["audit"]["misfiled"])


def test_another_sample_is_drawn_by_a_command_alone(tmp_path: Path) -> None:
    library = library_of(tmp_path, drawn=list(range(10)))
    again = f"illsort audit {library} --answers {SOURCE} --new --model {tmp_path / 'm'}"
    with served(library) as client:
        told = shown(client)
        refused = [client.post("/api/audit/begin", json=how) for how in ({"count": 5}, {"until": 0.1})]

    assert None is told["offer"]
    assert f"{again} --count {told['enough']}" == told["again"]
    assert [409, 409] == [one.status_code for one in refused]
    assert again in refused[0].json()["error"]


def test_one_whose_pictures_were_moved_is_named_with_the_command(tmp_path: Path) -> None:
    library = library_of(tmp_path, drawn=list(range(40)), answers=3)
    undo(library)
    with served(library) as client:
        told = shown(client)

    assert (0, SOURCE) == (told["drawn"], told["source"])
    assert told["again"].startswith(f"illsort audit {library} --answers {SOURCE} ")


def test_what_was_not_fetched_is_passed_over_and_counts_as_wrong(tmp_path: Path) -> None:
    library = library_of(tmp_path, drawn=[None, 0, None, 1, 0, None], answers=0)
    with served(library) as client:
        told = shown(client)
        asked = []
        while told["pictures"]:
            asked.append(one := told["pictures"][0])
            answer = {"picture": one["picture"], "said": "right", "category": "chibi"}
            told = client.post("/api/audit/say", json={"answers": [answer], "steps": told["steps"]}).json()["audit"]
        back = client.post("/api/audit/back", json={"steps": told["steps"]}).json()["audit"]

    assert 2 == len({one["picture"] for one in asked}) == len(asked)
    assert (True, 6, 0, 3) == tuple(told[key] for key in ("finished", "asked", "wrong", "skipped"))
    assert asked[1] == back["pictures"][0]


def test_it_goes_on_in_folders_that_were_renamed(tmp_path: Path) -> None:
    library = library_of(tmp_path, drawn=list(range(6)), answers=2)
    with served(library) as client:
        client.post("/api/categories", json={"rename": "chibi", "to": "small"}).raise_for_status()
        client.post("/api/file", json={}).raise_for_status()
        told = client.get("/api/audit").json()["audit"]
        while told["pictures"]:
            answer = {"picture": told["pictures"][0]["picture"], "said": "right", "category": "small"}
            told = client.post("/api/audit/say", json={"answers": [answer], "steps": told["steps"]}).json()["audit"]

    assert 60 == len(list((library / "small").iterdir()))
    assert (6, 0) == (told["asked"], told["skipped"])
    with open_session(library) as session:
        assert [AnnotationKind.RIGHT] * 4 == list(session.state.kinds.values())[2:]


def test_the_home_page_says_what_the_audit_is_of(tmp_path: Path) -> None:
    library = library_of(tmp_path, drawn=list(range(60)))
    facts = library_facts(library)
    undo(library)
    later = library_facts(library)

    assert facts is not None
    assert later is not None
    assert (SOURCE, 60, True, True) == tuple(facts["audit"][key] for key in ("source", "judged", "finished", "current"))
    assert later["audit"] == facts["audit"]


@pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium here")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_its_outcome_is_stated_on_the_page(tmp_path: Path) -> None:
    library = library_of(tmp_path, drawn=[*range(60), 0])
    traffic = Traffic()
    with server(library) as served_at, browser(traffic) as page:
        page.goto(served_at.address)
        page.get_by_text("Audit", exact=True).click()
        page.get_by_text(f"Of 900 pictures filed by the answers at {SOURCE}:").wait_for()
        page.get_by_text("(action is file), take what has confidence >= 0.49.").wait_for()
        page.get_by_text(f"--answers {SOURCE} ").wait_for()
        buttons = page.locator(".message button").all_inner_texts()
        inputs, text = page.locator(".message input").count(), page.locator(".message").inner_text()
        page.get_by_text("Put the 10 judged wrong into _review").click()
        page.get_by_text("10 pictures went to _review").wait_for()
        page.get_by_text(f"Of 900 pictures filed by the answers at {SOURCE}:").wait_for()

    assert (2, "Put the 10 judged wrong into _review", True) == (len(buttons), buttons[0], "Back" in buttons[1])
    assert 0 == inputs
    assert not {"false", "null", "undefined"} & set(text.split())
    assert ([], {f"127.0.0.1:{served_at.port}"}) == (traffic.console, traffic.hosts)
