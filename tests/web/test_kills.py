"""The server is killed in the midst of answers; told again until it is heard, as the page does, each is stored once."""

from __future__ import annotations

import signal
import sys
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from classifier.catalog import annotation_log
from classifier.catalog.connection import read_catalog
from classifier.records import Action
from kit.reviewing import open_page, waiting_library
from kit.serving import server

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send SIGKILL to one process")
COUNT = 500
KILLS = (140, 333)


class Asker:
    """Tells the server at `port` what was said, and starts a killed one anew; `kill` ends it while it is asked."""

    def __init__(self, library: Path, starts: ExitStack) -> None:
        self._library, self._starts = library, starts
        self._port = 0
        self._start()

    def _start(self) -> None:
        self._running = self._starts.enter_context(ExitStack())
        served = self._running.enter_context(server(self._library, port=self._port, stop=signal.SIGKILL))
        self._port, own = served.port, f"http://127.0.0.1:{served.port}"
        self._client = self._running.enter_context(httpx.Client(base_url=own, headers={"Origin": own}))
        open_page(self._client)

    def kill(self) -> None:
        """As a power cut of the process alone."""
        self._running.close()

    def tell(self, path: str, sent: dict[str, Any]) -> dict[str, Any]:
        """Until it is heard."""
        while True:
            try:
                return dict(self._client.post(path, json=sent).raise_for_status().json())
            except (httpx.TransportError, RuntimeError):  # a closed client is a RuntimeError
                self._start()


def test_no_answer_is_lost_or_doubled_though_the_server_is_killed(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, [(Action.REVIEW, "chibi", number / COUNT) for number in range(COUNT)])
    with ExitStack() as starts:
        asker = Asker(library, starts)
        for number, picture in enumerate(ids):
            killing = threading.Thread(target=asker.kill)
            if number in KILLS:
                killing.start()
            state = asker.tell("/api/say", {"answers": [{"picture": picture, "said": "right", "category": "chibi"}]})
            if number in KILLS:
                killing.join()
        assert COUNT == state["state"]["steps"]
        with read_catalog(library) as catalog:
            assert ids == [verdict.image_id for verdict in annotation_log.of_origin(catalog, "review")]
        taken = []
        for number in range(COUNT, 0, -1):
            if number in KILLS:
                asker.kill()
            taken += asker.tell("/api/back", {"steps": number})["pictures"]

    assert ids[::-1] == [row["picture"] for row in taken]
    with read_catalog(library) as catalog:
        assert 0 == annotation_log.count(catalog)


def test_a_request_repeated_after_a_lost_response_is_one_step(tmp_path: Path) -> None:
    library, ids = waiting_library(tmp_path, [(Action.REVIEW, "chibi", 0.5)] * 2)
    said = [{"answers": [{"picture": picture, "said": "right", "category": "chibi"}]} for picture in ids]
    with ExitStack() as starts:
        asker = Asker(library, starts)
        steps = [asker.tell("/api/say", words)["state"]["steps"] for words in (said[0], said[0], said[1], said[1])]
        back = [asker.tell("/api/back", {"steps": 2}) for _ in range(2)]

    assert [1, 1, 2, 2] == steps
    assert [1, 0] == [len(answer["pictures"]) for answer in back]
    assert [1, 1] == [answer["state"]["steps"] for answer in back]
