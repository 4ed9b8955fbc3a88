"""Rounds of learning in a real library, and the process that runs them beside the page."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from classifier.active.learner import Learner
from classifier.catalog import annotation_log
from classifier.catalog.connection import open_catalog
from classifier.catalog.ranking import attach_newest
from classifier.cli.review import learn
from classifier.errors import ModelError
from classifier.records import Annotation, AnnotationKind, ImageId
from kit.bundles import color_bundle
from kit.reviewing import unsure_library


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors", labeled=True).folder


def annotate(library: Path, categories: dict[ImageId, str]) -> None:
    with open_catalog(library) as catalog:
        annotation_log.add_all(
            catalog,
            [
                Annotation(image_id=picture, kind=AnnotationKind.RIGHT, category=category, origin="review", at="now")
                for picture, category in categories.items()
            ],
        )


def ranking(library: Path) -> tuple[dict[ImageId, tuple[int, str, float]], dict[str, object]]:
    with open_catalog(library) as catalog:
        meta = attach_newest(catalog).meta
        rows = catalog.connection.execute("SELECT picture, place, category, confidence FROM outlook.ranks")
        return {ImageId(picture): (place, category, confidence) for picture, place, category, confidence in rows}, dict(
            meta
        )


def test_all_that_waits_is_ranked_and_annotations_change_predictions(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 30)
    learner = Learner(library)
    assert 1 == learner.learn()
    before, meta = ranking(library)
    assert list(range(30)) == sorted(place for place, _, _ in before.values())
    assert (0, 0, ["blue", "green", "red"]) == (meta["verdicts"], meta["new"], meta["categories"])
    assert 30 == sum(sum(queue.values()) for queue in meta["counts"].values())  # type: ignore[attr-defined]

    annotate(library, dict.fromkeys(list(before)[:10], "mixed"))
    assert 2 == learner.learn()
    after, meta = ranking(library)
    assert (10, 10, ["blue", "green", "red", "mixed"]) == (meta["verdicts"], meta["new"], meta["categories"])
    assert 10 <= sum(category == "mixed" for _, category, _ in after.values())


def test_a_bundle_without_labeled_embeddings_cannot_be_learned_from(tmp_path: Path) -> None:
    library = unsure_library(tmp_path, color_bundle(tmp_path / "old").folder, 3)

    with pytest.raises(ModelError, match="keeps no labeled pictures"):
        Learner(library)


def test_the_process_learns_after_25_annotations_and_ends_with_its_pipe(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 6)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=learn, args=(theirs, library))
    process.start()
    theirs.close()
    assert [{"learning": True}, {"learned": 1}] == [ours.recv(), ours.recv()]
    ours.send({"annotations": 24})
    ours.send({"annotations": 1})
    assert [{"learning": True}, {"learned": 2}] == [ours.recv(), ours.recv()]
    ours.close()
    process.join(60)

    assert 0 == process.exitcode


def test_the_process_learns_with_the_model_of_a_sort_that_came_later(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, color_bundle(tmp_path / "old").folder, 3)
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=learn, args=(theirs, library))
    process.start()
    theirs.close()
    assert "keeps no labeled pictures" in str(ours.recv()["cannot"])
    unsure_library(tmp_path, bundle, 3)
    ours.send({"annotations": 0})
    assert [{"learning": True}, {"learned": 1}] == [ours.recv(), ours.recv()]
    ours.close()
    process.join(60)

    assert 0 == process.exitcode


_PAGE = """
import sys, time
from pathlib import Path
from classifier.cli.review import learn
from classifier.web.learner_process import LearnerProcess
if __name__ == "__main__":
    learner = LearnerProcess(learn, Path(sys.argv[1]), lambda message: print(learner._process.pid, flush=True))
    time.sleep(600)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="a process is asked for by its number in another way there")
def test_the_process_ends_when_the_page_is_killed(tmp_path: Path, bundle: Path) -> None:
    library = unsure_library(tmp_path, bundle, 3)
    script = tmp_path / "page.py"
    script.write_text(_PAGE)
    command = [sys.executable, str(script), str(library)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as page:
        assert page.stdout is not None
        learner = int(page.stdout.readline())
        page.send_signal(signal.SIGKILL)
        page.stdout.read()
    deadline = time.monotonic() + 60
    while _lives(learner) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not _lives(learner)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
