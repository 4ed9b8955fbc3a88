from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from classifier.doctor import hub
from classifier.doctor.finding import Level
from classifier.doctor.hub import ask, examine_hub
from classifier.model import hub_hosts
from classifier.setting_sections import HubSettings

SILENT = "http://127.0.0.1:9"
"""Where nothing listens."""
HUB = HubSettings()


class Answers(BaseHTTPRequestHandler):
    """Answers HEAD: 200 at the root, 404 elsewhere; /slow takes its time."""

    released = threading.Event()

    def do_HEAD(self) -> None:
        """Answer."""
        if self.path == "/slow":
            self.released.wait(20)
        self.send_response(200 if self.path == "/" else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A host on this machine that answers."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    Answers.released.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    Answers.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def give(monkeypatch: pytest.MonkeyPatch, *, chosen: str, mirror: str, other: str = SILENT) -> None:
    monkeypatch.setattr(hub_hosts, "HUB_HOST", chosen)
    monkeypatch.setattr(hub, "HUB_HOST", chosen)
    monkeypatch.setattr(hub, "MIRROR", mirror)
    monkeypatch.setattr(hub_hosts, "MODELSCOPE_HOST", other)
    monkeypatch.setattr(hub, "MODELSCOPE_HOST", other)


def test_whoever_answers_is_there_even_with_a_refusal(host: str) -> None:
    assert {host: None, f"{host}/nothing": None} == ask([host, f"{host}/nothing"])


def test_who_does_not_answer_is_named_with_the_reason(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "_SECONDS", 0.2)
    answers = ask([SILENT, f"{host}/slow", "file:///etc/passwd"])

    assert all(answers.values())
    assert "it is no address that begins with https:// or http://" == answers["file:///etc/passwd"]


def test_a_hub_and_mirrors_that_answer_are_listed(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, chosen=host, mirror=f"{host}/mirror", other=f"{host}/other")
    [only] = examine_hub("embedded", HUB, {})

    assert (Level.OK, f"model hub and mirrors that answer: {host}, {host}/mirror, {host}/other") == (
        only.level,
        only.message,
    )


def test_a_silent_mirror_is_not_needed_while_the_hub_answers(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, chosen=host, mirror=SILENT)
    there, silent = examine_hub("resnet18", HUB, {})

    assert [Level.OK, Level.OK] == [there.level, silent.level]
    assert silent.message.endswith(f"it is not needed while {host} answers")


def test_a_silent_hub_is_a_hint_while_no_backbone_comes_from_it(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, chosen=SILENT, mirror=host)
    for backbone in ("embedded", "local-dir:/models/x"):
        _, silent = examine_hub(backbone, HUB, {})
        assert ("hub.silent", Level.HINT) == (silent.code, silent.level)
        assert f"for backbones beyond the embedded ones, set hub.endpoint={host} (or HF_ENDPOINT)" == silent.remedy


def test_a_silent_hub_is_a_problem_for_a_backbone_from_it(monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, chosen=SILENT, mirror=f"{SILENT}/mirror")
    [silent] = examine_hub("hf-hub:someone/something", HUB, {})

    assert silent.is_problem
    assert silent.message.startswith(f"no answer from {SILENT}, {SILENT}/mirror: ")
    assert (silent.remedy or "").startswith(
        "to download hf-hub:someone/something, set hub.endpoint (or HF_ENDPOINT) to a mirror"
    )


def test_the_endpoint_that_the_user_set_is_asked(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, chosen=SILENT, mirror=SILENT)
    for settings, environment in (
        (HUB, {"HF_ENDPOINT": f"{host}/"}),
        (HubSettings(endpoint=host), {"HF_ENDPOINT": "x"}),
    ):
        there, silent = examine_hub("resnet18", settings, environment)

        assert f"model hub and mirrors that answer: {host}" == there.message
        assert silent.level is Level.OK


def test_a_backbone_of_modelscope_needs_no_hub(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    give(monkeypatch, chosen=SILENT, mirror=SILENT)
    _, silent = examine_hub("modelscope:someone/something", HUB, {"MODELSCOPE_DOMAIN": host})
    assert silent.level is Level.OK

    give(monkeypatch, chosen=SILENT, mirror=SILENT, other=host)
    _, silent = examine_hub("hf-hub:someone/something", HUB, {})
    assert "to download hf-hub:someone/something, use model.backbone=modelscope:OWNER/NAME" == silent.remedy
