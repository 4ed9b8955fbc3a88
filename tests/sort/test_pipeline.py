"""Sorting, as folders before and after."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import typer

from classifier.catalog.lock import hold_lock
from classifier.catalog.stats import library_stats
from classifier.cli.sort_summary import end
from classifier.errors import CrawlError, LibraryError, ModelError
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.inference import worker_pool
from classifier.inference.stopwatch import Stopwatch
from classifier.records import Mode
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort.pipeline import sort
from kit.pictures import COLORS, encoded, plain, varied
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree, read_tree

GREY = (120, 120, 120)


def png(color: str, seed: int = 0) -> bytes:
    return encoded(varied(COLORS[color], seed=seed), "PNG")


UNSURE = encoded(plain(GREY), "PNG")
HALF = (whole := encoded(varied(COLORS["red"], seed=5, size=(400, 300)), "JPEG"))[: len(whole) // 2]
PAGE = b"<html>404 not found</html>"


def settings(mode: Mode = Mode.LINK) -> Settings:
    return Settings(sort=SortSettings(mode=mode), runtime=RuntimeSettings(workers=0))


def run(folder: Path, bundle: Path | None, *, mode: Mode = Mode.LINK, **options: Any) -> dict[str, Any]:
    summary = sort(folder / "crawl", library=folder / "sorted", bundle=bundle, settings=settings(mode), **options)
    return {key: value for key, value in summary.items() if key not in {"seconds", "strictness"}}


def stable(folder: Path) -> dict[str, bytes]:
    """The library without the listing, whose paths differ from test to test."""
    return {name: content for name, content in all_files(folder).items() if name != "_broken.csv"}


@pytest.mark.parametrize("mode", Mode)
def test_every_picture_ends_in_exactly_one_place(tmp_path: Path, bundle: Path, mode: Mode) -> None:
    crawl = {
        "a.png": png("red"),
        "b.png": png("green"),
        "deep": {"er": {"c.png": png("blue")}, "a again.png": png("red")},
        "unsure.png": UNSURE,
        "half.jpg": HALF,
        "page.jpg": PAGE,
        "notes.txt": b"not a picture",
        "no extension": png("red", seed=9),
    }
    make_tree(tmp_path / "crawl", crawl)
    summary = run(tmp_path, bundle, mode=mode)

    assert {
        "red": {"a.png": png("red"), "no extension": png("red", seed=9)},
        "green": {"b.png": png("green")},
        "blue": {"c.png": png("blue")},
        "_review": {"blue": {"unsure.png": UNSURE}, "red": {"half.jpg": HALF}},
    } == {name: value for name, value in read_tree(tmp_path / "sorted").items() if name != "_broken.csv"}
    assert {
        "pictures": 8,
        "filed": 4,
        "review": 2,
        "review_in_parents": 0,
        "unknown": 0,
        "broken": 1,
        "videos": 0,
        "ugoira": 0,
        "archives": 0,
        "unfinished": 0,
        "system": 0,
        "excluded": 0,
        "labels": 0,
        "unreadable": 0,
        "left_out": [],
        "copies": 0,
        "copies_left": 0,
        "duplicates": 1,
        "deleted": 0,
        "failed": 0,
        "not_moved": 0,
        "categories": {"red": 2, "blue": 1, "green": 1},
    } == summary
    left = {"deep": {"a again.png": png("red"), "er": {}}, "page.jpg": PAGE, "notes.txt": b"not a picture"}
    assert (left if mode is Mode.MOVE else crawl) == read_tree(tmp_path / "crawl")


def test_unreadable_pictures_are_listed_with_their_reason(tmp_path: Path, bundle: Path) -> None:
    make_tree(
        tmp_path / "crawl", {"page.jpg": PAGE, "empty.png": b"", "photo.psd": b"8BPS" + bytes(40), "a.png": png("red")}
    )
    run(tmp_path, bundle)
    rows = (tmp_path / "sorted" / "_broken.csv").read_text("utf-8-sig").splitlines()

    assert "path,reason,detail" == rows[0]
    assert [("empty.png", "empty"), ("page.jpg", "not a picture"), ("photo.psd", "unsupported format")] == [
        (Path(row.split(",")[0]).name, row.split(",")[1]) for row in rows[1:]
    ]


def test_equal_names_are_distinguished_by_content(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"x": {"1.png": png("red")}, "y": {"1.png": png("red", seed=2)}})
    run(tmp_path, bundle)
    names = sorted(read_tree(tmp_path / "sorted")["red"])

    assert "1.png" == names[0]
    assert 2 == len(names)
    assert names[1].startswith("1_")
    assert len("1_01234567.png") == len(names[1])


def test_a_second_run_changes_nothing_and_reports_the_same(tmp_path: Path, bundle: Path) -> None:
    make_tree(
        tmp_path / "crawl", {"a.png": png("red"), "b.png": png("green"), "again.png": png("red"), "page.jpg": PAGE}
    )
    for mode in (Mode.LINK, Mode.LINK):
        first = run(tmp_path, bundle, mode=mode)
    progress = SavingProgress()
    again = run(tmp_path, bundle, progress=progress)

    assert first == again
    assert "sorting" not in [stage.name for stage in progress.stages]


def test_moving_again_reports_the_same_totals(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red"), "b.png": png("green"), "z.png": png("red"), "u.png": UNSURE})
    first = run(tmp_path, bundle, mode=Mode.MOVE)

    assert (4, 2, 1, 1) == tuple(first[key] for key in ("pictures", "filed", "review", "duplicates"))
    assert first == run(tmp_path, bundle, mode=Mode.MOVE)
    assert {"z.png": png("red")} == read_tree(tmp_path / "crawl")


def test_only_new_or_changed_files_are_read(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": png("red"), "b.png": png("green")})
    run(tmp_path, bundle)
    time.sleep(0.01)
    (crawl / "b.png").unlink()
    (crawl / "b.png").write_bytes(png("blue"))
    (crawl / "c.png").write_bytes(png("green", seed=3))
    progress = SavingProgress()
    summary = run(tmp_path, bundle, progress=progress)

    assert [2] == [stage.total for stage in progress.stages if stage.name == "sorting"]
    assert (3, 3) == (summary["pictures"], summary["filed"])
    assert ["blue/b.png", "green/b.png", "green/c.png", "red/a.png"] == sorted(stable(tmp_path / "sorted"))


def test_a_renamed_crawl_is_hashed_but_not_predicted_again(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red"), "b.png": png("green"), "u.png": UNSURE})
    first = run(tmp_path, bundle)
    before = stable(tmp_path / "sorted")
    (tmp_path / "crawl").rename(tmp_path / "crawl of May")
    progress = SavingProgress()
    summary = sort(
        tmp_path / "crawl of May", library=tmp_path / "sorted", bundle=bundle, settings=settings(), progress=progress
    )

    assert first == {key: value for key, value in summary.items() if key not in {"seconds", "strictness"}}
    assert before == stable(tmp_path / "sorted")
    stages = [stage.name for stage in progress.stages]
    assert ["opening the model", "looking for pictures", "recognizing", "deciding again"] == stages


def test_another_threshold_moves_only_the_difference(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red"), "u.png": UNSURE})
    run(tmp_path, bundle)
    inode = (tmp_path / "sorted" / "red" / "a.png").stat().st_ino
    summary = run(tmp_path, bundle, threshold=0.5)

    assert {"red": {"a.png": png("red")}, "blue": {"u.png": UNSURE}, "_review": {"blue": {}}} == read_tree(
        tmp_path / "sorted"
    )
    assert inode == (tmp_path / "sorted" / "red" / "a.png").stat().st_ino
    assert (2, 0) == (summary["filed"], summary["review"])


def test_the_model_of_the_last_sort_is_remembered(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red")})
    first = run(tmp_path, bundle)

    assert first == run(tmp_path, None)


def test_a_first_sort_without_a_model_is_an_error(tmp_path: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red")})
    with pytest.raises(ModelError, match="--model"):
        run(tmp_path, None)


def test_a_picture_the_person_put_elsewhere_is_left_there(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"u.png": UNSURE})
    run(tmp_path, bundle)
    (tmp_path / "sorted" / "green").mkdir()
    (tmp_path / "sorted" / "_review" / "blue" / "u.png").rename(tmp_path / "sorted" / "green" / "u.png")
    progress = SavingProgress()
    summary = run(tmp_path, bundle, threshold=0.5, progress=progress)

    assert {"green/u.png": UNSURE} == stable(tmp_path / "sorted")
    assert "files moved by you within the library, and left there: 1" == progress.messages[0]
    assert 0 == summary["failed"]


def test_files_that_were_in_the_library_before_stay_as_they_are(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red"), "b.png": png("red", seed=2)})
    make_tree(tmp_path / "sorted", {"red": {"a.png": b"mine", "b.png": png("red", seed=2)}, "diary.txt": b"dear"})
    summary = run(tmp_path, bundle)
    after = stable(tmp_path / "sorted")

    assert (b"mine", png("red", seed=2), b"dear") == (after["red/a.png"], after["red/b.png"], after["diary.txt"])
    assert 2 == summary["filed"]
    assert 4 == len(after)


def test_a_library_inside_the_crawl_is_excluded(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"a.png": png("red"), "b.png": png("green")})
    for _ in range(2):
        summary = sort(crawl, library=crawl / "sorted", bundle=bundle, settings=settings())

    assert 2 == summary["pictures"]
    assert {"red/a.png", "green/b.png"} == set(stable(crawl / "sorted"))


def test_a_crawl_inside_the_library_is_refused_before_anything_is_made(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "lib" / "crawl", {"a.png": png("red")})
    (tmp_path / "other name").symlink_to(tmp_path / "lib", target_is_directory=True)
    for library in (tmp_path / "lib", crawl, tmp_path / "other name"):
        with pytest.raises(CrawlError, match=r"is the library .* or lies inside it"):
            sort(crawl, library=library, bundle=bundle, settings=settings())

    assert {"crawl": {"a.png": png("red")}} == read_tree(tmp_path / "lib", hidden=True)


def test_a_missing_crawl_or_library_is_an_error(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path, {"file": b"x", "crawl": {}})
    with pytest.raises(CrawlError, match="there is no such folder"):
        sort(tmp_path / "none", library=tmp_path / "out", bundle=bundle, settings=settings())
    with pytest.raises(CrawlError, match="is no folder"):
        sort(tmp_path / "file", library=tmp_path / "out", bundle=bundle, settings=settings())
    with pytest.raises(LibraryError, match="is a file"):
        sort(tmp_path / "crawl", library=tmp_path / "file", bundle=bundle, settings=settings())


def test_an_empty_crawl_is_no_error(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {})

    assert 0 == run(tmp_path, bundle)["pictures"]


def test_two_sorts_cannot_own_one_library(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red")})
    with hold_lock(tmp_path / "sorted"), pytest.raises(LibraryError, match=f"process {os.getpid()}"):
        run(tmp_path, bundle)


def test_the_statistics_count_what_the_library_contains(tmp_path: Path, bundle: Path) -> None:
    make_tree(
        tmp_path / "crawl",
        {
            "a.png": png("red"),
            "b.png": png("red", seed=1),
            "c.png": png("green"),
            "again.png": png("red"),
            "u.png": UNSURE,
            "p.jpg": PAGE,
        },
    )
    run(tmp_path, bundle)
    seen = library_stats(tmp_path / "sorted")

    assert ({"red": 2, "green": 1}, {"blue": 1}, 1) == (seen.filed, seen.review, seen.duplicates)
    assert {"not a picture": 1} == seen.broken
    assert [("sort", True)] == [(r.kind, r.finished is not None) for r in seen.runs]


@pytest.mark.skipif(os.name == "nt", reason="Windows names are text")
def test_an_undecodable_name_survives(tmp_path: Path, bundle: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {})
    name = os.fsdecode(b"caf\xe9 \n.png")
    (crawl / name).write_bytes(png("red"))
    run(tmp_path, bundle)

    assert [name] == [path.name for path in (tmp_path / "sorted" / "red").iterdir()]


def test_a_list_saved_by_a_spreadsheet_is_left_and_reported(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"page.jpg": PAGE, "a.png": png("red")})
    run(tmp_path, bundle)
    listing = tmp_path / "sorted" / "_broken.csv"
    listing.write_text("saved by a spreadsheet")
    progress = SavingProgress()
    summary = run(tmp_path, bundle, progress=progress)

    assert "saved by a spreadsheet" == listing.read_text()
    assert "_broken.csv" in progress.messages[0]
    assert "illsort status" in progress.messages[0]
    assert (1, 1) == (summary["filed"], summary["broken"])


@pytest.mark.parametrize(("unlabelled", "offers"), [(None, 1), ("somewhere", 0)])
def test_much_to_review_by_a_model_of_labels_alone_gives_a_training_hint(
    tmp_path: Path, bundle: Path, unlabelled: str | None, offers: int
) -> None:
    make_tree(tmp_path, {"crawl": {"a.png": png("red"), "unsure.png": UNSURE}})
    trained = shutil.copytree(bundle, tmp_path / "model")
    manifest = json.loads((trained / "illsort.json").read_text("utf-8"))
    manifest["settings"] = {"train": {"recipe": "finetune", "unlabelled": unlabelled}}
    (trained / "illsort.json").write_text(json.dumps(manifest), encoding="utf-8")
    progress = SavingProgress()
    run(tmp_path, trained, progress=progress)

    told = f"--unlabeled {(tmp_path / 'crawl').resolve()} it usually files more"
    assert offers == sum(told in message for message in progress.messages)


def test_symbolic_links_are_made_anew_as_such_where_no_mode_is_given(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red"), "b.png": png("green")})
    run(tmp_path, bundle, mode=Mode.SYMLINK)
    (tmp_path / "crawl").rename(tmp_path / "renamed")
    dangling = verify(tmp_path / "sorted")
    assert ({"dangling": 2}, []) == (verify(tmp_path / "sorted").missing, dangling.yours)

    without_mode = Settings(runtime=RuntimeSettings(workers=0))
    sort(tmp_path / "renamed", library=tmp_path / "sorted", bundle=None, settings=without_mode)

    links = [path for path in (tmp_path / "sorted").glob("*/*.png") if path.is_symlink()]
    assert {"a.png": png("red"), "b.png": png("green")} == {path.name: path.read_bytes() for path in links}


@pytest.mark.parametrize("model", [None, "nosuch"])
def test_a_sort_without_a_model_makes_nothing(tmp_path: Path, model: str | None) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red")})
    with pytest.raises(ModelError):
        run(tmp_path, model and tmp_path / model)
    assert ["crawl"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize("is_link", [False, True])
def test_a_failed_move_counts_where_the_file_is(tmp_path: Path, bundle: Path, is_link: bool) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red"), "b.png": png("green"), "c.png": png("red", seed=1)})
    run(tmp_path, bundle, threshold=0.5)
    library, in_the_way = tmp_path / "sorted", tmp_path / "sorted" / "_review"
    in_the_way.symlink_to(tmp_path / "none") if is_link else in_the_way.touch()
    before, progress = {name for name in stable(library) if name != "_review"}, SavingProgress()
    for _ in range(2):
        summary = run(tmp_path, bundle, threshold=1.0, progress=progress)
        assert (3, 3, 0, 3, 3) == tuple(summary[key] for key in ("pictures", "filed", "review", "failed", "not_moved"))

    assert {"red/a.png", "red/c.png", "green/b.png"} == before
    assert before == {name for name in stable(library) if name != "_review"}
    why = f"3 pictures could not be moved, left in place: {in_the_way} is not a folder"
    assert [why, why] == progress.messages
    assert ({"red": 2, "green": 1}, {}) == (library_stats(library).filed, library_stats(library).review)
    with pytest.raises(typer.Exit):
        end(summary | {"seconds": 0.0}, library, as_json=False)

    in_the_way.unlink()
    summary = run(tmp_path, bundle, threshold=1.0)
    assert (0, 3, 0) == tuple(summary[key] for key in ("filed", "review", "failed"))
    assert {f"_review/{name}" for name in before} == set(stable(library))


def test_undoing_a_sort_with_failed_moves_restores_earlier_decisions(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red"), "b.png": png("green")})
    run(tmp_path, bundle, threshold=0.5)
    make_tree(tmp_path / "sorted", {"_review": {"red": b"in the way"}})
    summary = run(tmp_path, bundle, threshold=1.0)
    assert (1, 1, 1) == tuple(summary[key] for key in ("filed", "review", "failed"))

    assert 2 == undo(tmp_path / "sorted").undone
    seen = library_stats(tmp_path / "sorted")
    assert ({"red": 1, "green": 1}, {}) == (seen.filed, seen.review)


def test_the_bar_is_given_what_a_sort_waits_for(tmp_path: Path, bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [0.0]
    monkeypatch.setattr(worker_pool, "Stopwatch", lambda: Stopwatch(lambda: seconds[0]))
    make_tree(tmp_path / "crawl", {"a.png": png("red")})
    progress = SavingProgress()
    run(tmp_path, bundle, progress=progress)
    (followed,) = [note for stage in progress.stages if stage.name == "sorting" for note in stage.followed]
    seconds[0] = 60.0

    assert "waits for the disk" == followed()


def test_a_second_sort_that_changes_nothing_says_so(tmp_path: Path, bundle: Path) -> None:
    make_tree(tmp_path / "crawl", {"a.png": png("red")})
    said = [SavingProgress(), SavingProgress()]
    for progress in said:
        run(tmp_path, bundle, progress=progress)

    line = "nothing changed: every picture that can be read lies where it belongs"
    assert [False, True] == [line in progress.messages for progress in said]
