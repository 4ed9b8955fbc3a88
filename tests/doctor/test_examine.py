from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from classifier.doctor import examine as examined
from classifier.doctor import machine, measuring
from classifier.doctor.disks import is_inside
from classifier.doctor.estimate import Estimate
from classifier.doctor.examine import examine, requested
from classifier.doctor.finding import Finding, ok
from classifier.errors import CrawlError, Message
from classifier.settings import Settings
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree

ESTIMATE = Estimate(
    backbone="embedded",
    engine="torch",
    pictures_per_second=50,
    sort=20,
    head=8,
    finetune=400,
    disk=3_000_000,
)


@pytest.fixture(autouse=True)
def a_good_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that all is well, and measure nothing."""
    monkeypatch.setattr(examined, "examine_packages", lambda: iter([ok("python", Message("a Python"))]))
    monkeypatch.setattr(machine, "examine_machine", lambda _: iter([ok("device", Message("a device"))]))
    monkeypatch.setattr(measuring, "measure_all", lambda *_: iter([ok("speed", Message("fast")), ESTIMATE]))
    monkeypatch.setattr(examined, "examine_hub", lambda *_: iter([ok("hub", Message("answers"))]))


def codes(crawl: Path | None, out: Path | None, *, offline: bool = False) -> list[str]:
    request = requested(Settings(), crawl=crawl, out=out, offline=offline)
    return [one.code if isinstance(one, Finding) else "estimate" for one in examine(request, SavingProgress())]


def test_what_is_measured_comes_last(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"1.jpg": b"x"})
    before = all_files(tmp_path)
    order = codes(crawl, tmp_path / "sorted")

    assert ["python", "device"] == order[:2]
    assert ["hub", "crawl", "speed", "estimate", "disk.room"] == order[-5:]
    assert before == all_files(tmp_path)


def test_offline_no_host_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(examined, "examine_hub")

    assert "hub" not in codes(None, tmp_path, offline=True)


def test_without_a_crawl_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(measuring, "measure_all")

    assert "disk.room" == codes(None, tmp_path)[-1]


def test_a_crawl_without_pictures_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(measuring, "measure_all")
    (tmp_path / "crawl").mkdir()

    assert "crawl" in codes(tmp_path / "crawl", tmp_path / "sorted")


def test_a_crawl_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CrawlError, match="there is no such folder to sort"):
        requested(Settings(), crawl=tmp_path / "absent", out=None, offline=True)


def test_a_library_around_the_crawl_is_refused(tmp_path: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"1.jpg": b"x"})
    with pytest.raises(CrawlError, match="lies inside it"):
        requested(Settings(), crawl=crawl, out=tmp_path, offline=True)


def test_the_current_folder_may_be_around_the_crawl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_tree(tmp_path / "crawl", {"1.jpg": b"x"})
    monkeypatch.chdir(tmp_path)

    assert {"crawl", "disk.links"} <= set(codes(Path("crawl"), None))


def test_in_the_crawl_itself_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    crawl = make_tree(tmp_path / "crawl", {"1.jpg": b"x"})
    monkeypatch.chdir(crawl)

    assert "disk.not_tried" in codes(Path(), None)
    assert is_inside(crawl / "a", crawl)
    assert [crawl / "1.jpg"] == list(crawl.iterdir())


def test_a_torch_that_does_not_load_is_a_problem_with_all_else_examined(tmp_path: Path) -> None:
    make_tree(tmp_path, {"torch": {"__init__.py": b"raise OSError('c10.dll: a procedure was not found')"}})
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    ended = subprocess.run(
        [sys.executable, "-m", "classifier", "doctor", "--offline", "--out", str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )

    assert 1 == ended.returncode
    assert "PROBLEM: torch, torchvision or timm cannot be loaded: c10.dll: a procedure was not found" in ended.stdout
    assert "GB are free" in ended.stdout
