"""A sort leaves out labels, other libraries and models, excluded files and unfinished downloads."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from classifier.catalog.stats import library_stats
from classifier.cli.sort_summary import end
from classifier.errors import CrawlError, LibraryError
from classifier.model.bundle import Bundle, BundleParts, open_bundle
from classifier.model.trained import load_network, save_bundle
from classifier.records import Mode
from classifier.settings import ImageSettings, LabelSettings, RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from kit.bundles import color_labeled
from kit.pictures import COLORS, encoded, varied
from kit.progress import SavingProgress
from kit.tree import Tree, all_files, make_tree


def png(color: str, seed: int = 0) -> bytes:
    return encoded(varied(COLORS[color], seed=seed), "PNG")


LABELS: Tree = {
    "red": {"l1.png": png("red", 1)},
    "blue": {"l2.png": png("blue", 2)},
    "_later": {"l3.png": png("red", 3)},
}


def recording(folder: Path, bundle: Path, labels: dict[str, Any], *, paths: tuple[str, ...] = ()) -> Path:
    """A copy of the bundle whose record says where its labels are."""
    of = open_bundle(bundle)
    network = load_network(of)
    labeled = None
    if paths:
        from dataclasses import replace  # noqa: PLC0415

        import torch  # noqa: PLC0415

        with torch.inference_mode():
            pixels = torch.zeros((120, 3, 32, 32), dtype=torch.uint8)
            labeled = color_labeled(network.embed(network.normalize(pixels)).numpy())
        labeled = replace(labeled, paths=(*paths, *labeled.paths[len(paths) :]))
    manifest = of.manifest.model_copy(update={"settings": {"labels": labels}})
    return save_bundle(
        folder, network=network, manifest=manifest, evaluation={}, parts=BundleParts(labeled=labeled)
    ).folder


def run(
    folder: Path, bundle: Path | Bundle, *, mode: Mode = Mode.MOVE, crawl: str = "crawl", **settings: Any
) -> tuple[dict[str, Any], list[str]]:
    progress = SavingProgress()
    chosen = Settings(sort=SortSettings(mode=mode), runtime=RuntimeSettings(workers=0), **settings)
    summary = sort(folder / crawl, library=folder / "sorted", bundle=bundle, settings=chosen, progress=progress)
    return summary, progress.messages


def test_the_folder_of_a_model_is_no_library(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red")})
    model = recording(tmp_path / "model", bundle, {})
    before = all_files(tmp_path)
    with pytest.raises(LibraryError, match="is a model's folder"):
        sort(tmp_path / "crawl", library=model, bundle=model, settings=Settings())

    assert before == all_files(tmp_path)
    assert not (model / ".illsort").exists()


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("by", ["record", "settings"])
def test_the_labels_folder_in_the_crawl_is_excluded_and_reported(
    tmp_path: Path, bundle: Path, mode: Mode, by: str
) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": png("red"), "my labels": LABELS})
    labels = crawl / "my labels"
    model = recording(tmp_path / "model", bundle, {"folder": str(labels)} if by == "record" else {})
    given = {} if by == "record" else {"labels": LabelSettings(folder=labels)}
    summary, told = run(tmp_path, model, mode=mode, **given)

    assert {"red/a.png": png("red")} == all_files(tmp_path / "sorted")
    assert 3 == len(all_files(labels))
    assert (1, [{"path": labels.as_posix(), "what": "labels that a model learns from"}]) == (
        summary["pictures"],
        summary["left_out"],
    )
    assert f"left out: {labels}: labels that a model learns from" in told


@pytest.mark.parametrize("mode", Mode)
def test_a_library_in_the_crawl_is_not_taken_apart(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    make_tree(tmp_path / "crawl" / "crawl", {"a.png": png("red")})
    other = tmp_path / "crawl" / "other"
    settings = Settings(sort=SortSettings(mode=Mode.COPY), runtime=RuntimeSettings(workers=0))
    sort(tmp_path / "crawl" / "crawl", library=other, bundle=bundle, settings=settings)
    make_tree(tmp_path / "crawl", {"b.png": png("blue")})
    summary, told = run(tmp_path, bundle, mode=mode)

    assert {"red/a.png": png("red")} == all_files(other)
    assert [other.as_posix()] == [one["path"] for one in summary["left_out"]]
    assert f"left out: {other}: an illsort library or labels folder" in told
    assert 2 == summary["filed"]


def test_labels_that_are_the_crawl_itself_stay_when_it_is_moved(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": png("red"), **LABELS})
    model = recording(tmp_path / "model", bundle, {"folder": str(crawl)})
    summary, _ = run(tmp_path, model)

    assert {"red/l1.png", "blue/l2.png"} == set(all_files(crawl))
    assert [(crawl / "blue").as_posix(), (crawl / "red").as_posix()] == [one["path"] for one in summary["left_out"]]


def test_labels_that_are_the_crawl_itself_are_linked_like_any_other(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": png("red"), **LABELS})
    summary, _ = run(tmp_path, recording(tmp_path / "model", bundle, {"folder": str(crawl)}), mode=Mode.LINK)

    assert (4, []) == (summary["filed"], summary["left_out"])


@pytest.mark.parametrize(
    ("crawl", "says"),
    [("labels/red", "is a category of your labels"), ("old", "is or lies in the library"), ("old/red", "lies in the")],
)
def test_a_crawl_in_labels_or_a_library_cannot_be_moved(tmp_path: Path, bundle: Path, crawl: str, says: str) -> None:
    make_tree(tmp_path / "labels", LABELS)
    make_tree(tmp_path / "old", {".illsort": {"catalogue.sqlite": b""}, "red": {"a.png": png("red")}})
    model = recording(tmp_path / "model", bundle, {"folder": str(tmp_path / "labels")})
    with pytest.raises(CrawlError, match=says) as caught:
        run(tmp_path, model, crawl=crawl)

    assert 1 == len(str(caught.value).splitlines())
    assert not (tmp_path / "sorted" / "red").exists()
    assert 1 == run(tmp_path, model, crawl=crawl, mode=Mode.COPY)[0]["filed"]


def test_what_labels_set_aside_may_be_moved(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "labels", LABELS)
    summary, _ = run(
        tmp_path, recording(tmp_path / "m", bundle, {"folder": str(tmp_path / "labels")}), crawl="labels/_later"
    )

    assert 1 == summary["filed"]


def test_files_named_in_a_csv_of_labels_stay_when_the_crawl_is_moved(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": png("red"), "deep": {"l.png": png("blue")}})
    record = {"folder": str(crawl), "csv": str(tmp_path / "labels.csv")}
    model = recording(tmp_path / "model", bundle, record, paths=(str(crawl / "deep" / "l.png"),))
    summary, told = run(tmp_path, model)

    assert {"deep/l.png": png("blue")} == all_files(crawl)
    assert (1, 1) == (summary["pictures"], summary["labels"])
    assert "1 labeled picture stays where your labels name it" in told


@pytest.mark.parametrize("labels", [{}, {"folder": 3}, {"folder": ""}, {"folder": "a\0b"}, {"folder": "/none"}])
def test_a_record_that_names_no_folder_leaves_nothing_out(tmp_path: Path, bundle: Path, labels: Any) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red")})
    summary, _ = run(tmp_path, recording(tmp_path / "model", bundle, labels))

    assert (1, []) == (summary["filed"], summary["left_out"])


def test_what_is_excluded_later_stays_where_it_was_filed(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red"), "drafts": {"b.png": png("blue")}})
    run(tmp_path, bundle, mode=Mode.LINK)
    summary, told = run(tmp_path, bundle, mode=Mode.LINK, images=ImageSettings(exclude=("drafts/",)))

    assert {"red/a.png", "blue/b.png"} == set(all_files(tmp_path / "sorted"))
    assert (1, 1) == (summary["pictures"], summary["excluded"])
    assert "passed over: 1 excluded by you" in told


@pytest.mark.parametrize("mode", Mode)
def test_a_download_is_taken_once_it_is_complete(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    whole, other = png("red"), png("blue")
    crawl = make_tree(
        tmp_path / "crawl",
        {"a.png.part": whole[: len(whole) // 2], "b.png": other[:99] + bytes(len(other) - 99), "b.png.aria2": b"state"},
    )
    first, told = run(tmp_path, bundle, mode=mode)
    assert (0, 3) == (first["pictures"], first["unfinished"])
    assert "3 unfinished downloads were passed over; they are taken once they are complete" in told
    assert {"a.png.part", "b.png", "b.png.aria2"} == set(all_files(crawl))

    with (crawl / "a.png.part").open("ab") as file:
        file.write(whole[len(whole) // 2 :])
    (crawl / "a.png.part").rename(crawl / "a.png")
    (crawl / "b.png").write_bytes(other)
    (crawl / "b.png.aria2").unlink()
    second, _ = run(tmp_path, bundle, mode=mode)

    assert (2, 0) == (second["filed"], second["unfinished"])
    assert {"red/a.png": whole, "blue/b.png": other} == all_files(tmp_path / "sorted")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who writes to a file")
@pytest.mark.parametrize("mode", Mode)
def test_no_file_is_moved_while_a_program_has_it_open(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    """A download that stalled an hour ago shows no other sign; a link to it takes nothing away."""
    crawl = make_tree(tmp_path / "crawl", {"a.png": png("red"), "b.png": png("blue")})
    with (crawl / "a.png").open("ab") as download:
        os.utime(crawl / "a.png", (1_000_000_000, 1_000_000_000))
        summary, _ = run(tmp_path, bundle, mode=mode)
        download.flush()

    assert (1 if mode is Mode.MOVE else 0) == summary["unfinished"]
    assert mode is not Mode.MOVE or {"a.png": png("red")} == all_files(crawl)


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of folders that may not be read; root reads all, so that permissions would prove nothing."""
    refused: set[str] = set()
    listing = os.scandir

    def scandir(folder: Any) -> Any:
        if Path(os.fsdecode(folder)).name in refused:
            raise PermissionError(13, "Permission denied", folder)
        return listing(folder)

    monkeypatch.setattr(os, "scandir", scandir)
    return refused


def test_an_unreadable_folder_is_not_a_success(
    tmp_path: Path, bundle: Path, refusing: set[str], capsys: pytest.CaptureFixture[str]
) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a": {"1.png": png("red")}, "b": {"2.png": png("blue")}})
    refusing.add("b")
    summary, _ = run(tmp_path, bundle, mode=Mode.LINK)
    with pytest.raises(typer.Exit) as ended:
        end(summary, tmp_path / "sorted", as_json=True)
    listed = list(csv.reader((tmp_path / "sorted" / "_broken.csv").read_text("utf-8-sig").splitlines()))

    assert 1 == ended.value.exit_code
    assert (1, 0, 1) == (summary["pictures"], summary["broken"], json.loads(capsys.readouterr().out)["unreadable"])
    assert [str(crawl / "b"), "cannot be opened", "Permission denied"] == listed[1]
    assert [crawl / "b"] == [path for path, _ in library_stats(tmp_path / "sorted").failures]


def test_once_it_can_be_read_it_is_no_longer_listed(tmp_path: Path, bundle: Path, refusing: set[str]) -> None:
    make_tree(tmp_path / "crawl", {"a": {"1.png": png("red")}, "b": {"2.png": png("blue")}})
    refusing.add("b")
    run(tmp_path, bundle, mode=Mode.LINK)
    refusing.clear()
    summary, _ = run(tmp_path, bundle, mode=Mode.LINK)

    assert (2, 0) == (summary["filed"], summary["unreadable"])
    assert () == library_stats(tmp_path / "sorted").failures
    assert not (tmp_path / "sorted" / "_broken.csv").exists()


def test_system_folders_and_apple_double_files_are_no_pictures(tmp_path: Path, bundle: Path) -> None:
    make_tree(
        tmp_path / "crawl",
        {
            "a.png": png("red"),
            "._a.png": b"\0\5\26\7\0\2\0\0Mac OS X        ",
            "@eaDir": {"a.png": {"SYNOPHOTO_THUMB_M.jpg": png("red", 7)}},
            ".Trash-1000": {"files": {"deleted.png": png("blue")}},
            "Thumbs.db": b"?",
        },
    )
    summary, told = run(tmp_path, bundle, mode=Mode.LINK)

    assert {"red/a.png"} == set(all_files(tmp_path / "sorted"))
    assert (1, 0, 4) == (summary["pictures"], summary["broken"], summary["system"])
    assert "passed over: 4 of the system (trash, thumbnails and the like)" in told
