"""A sort that is given answers files exactly as one that reads the pictures, and opens none that was answered."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from classifier.catalog.connection import read_catalog
from classifier.errors import IllsortError, Message
from classifier.model.bundle import Bundle, open_bundle
from classifier.records import Duplicates
from classifier.settings import ImageSettings, RuntimeSettings, Settings, SortSettings
from classifier.sort import take_answers
from classifier.sort.pipeline import sort
from classifier.sort.preview import preview
from kit.answers import answered
from kit.bundles import color_bundle, with_another_head
from kit.commands import illsort
from kit.copies import drawing
from kit.interrupt import Stop, Stopping
from kit.pictures import COLORS, encoded, plain, varied
from kit.progress import SavingProgress
from kit.tree import all_files, make_tree

NAMES = list(COLORS)


def picture(number: int) -> bytes:
    """Blue, green or red, every second one half of the next color."""
    one, other = (COLORS[NAMES[(number + step) % 3]] for step in (0, 1))
    share = 0.42 if number % 2 else 0.05
    red, green, blue = (round((1 - share) * a + share * b) for a, b in zip(one, other, strict=True))
    return encoded(varied((red, green, blue), seed=number), "PNG")


CRAWL: dict[str, Any] = {f"{number:02}.png": picture(number) for number in range(14)}
CRAWL |= {"same.png": CRAWL["03.png"], "bad.png": b"<html>", "gray.png": encoded(plain((120, 120, 120)), "PNG")}
CRAWL |= {
    "in a folder": {
        "\u732b.png": picture(20),
        "cut.jpg": encoded(varied((200, 30, 30), seed=1, size=(300, 300)), "JPEG")[:-200],
    }
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """One on frozen features that spreads its answers, tells unknown pictures and can promise error rates."""
    folder = tmp_path_factory.mktemp("model") / "model"
    return open_bundle(color_bundle(folder, spreads=True, novelty=True).folder)


@pytest.fixture(scope="module")
def fine_tuned(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """One whose network answers by itself."""
    folder = tmp_path_factory.mktemp("model") / "model"
    return open_bundle(color_bundle(folder, evidence=300, novelty=True).folder)


@pytest.fixture
def crawl(tmp_path: Path) -> Path:
    """Files of an hour ago: whether a newer one is still being written is asked of the kernel, by opening it."""
    return aged(make_tree(tmp_path / "crawl", CRAWL))


def aged(folder: Path) -> Path:
    for path in folder.rglob("*"):
        os.utime(path, (path.stat().st_atime - 3600, path.stat().st_mtime - 3600))
    return folder


def run(folder: Path, model: Bundle, *, library: str = "sorted", **options: Any) -> dict[str, Any]:
    of_sort, images = options.pop("of_sort", {}), options.pop("images", ImageSettings())
    settings = Settings(sort=SortSettings(**of_sort), images=images, runtime=RuntimeSettings(workers=0, device="cpu"))
    done = sort(folder / "crawl", library=folder / library, bundle=model.folder, settings=settings, **options)
    return {key: value for key, value in done.items() if key != "seconds"}


def decided(library: Path) -> dict[str, tuple[Any, ...]]:
    with read_catalog(library) as catalog:
        rows = catalog.connection.execute(
            "SELECT d.picture, d.action, d.category, d.confidence, d.reason_code, d.reason_params, "
            "p.width, p.height, p.truncated, p.size_bytes FROM decisions AS d JOIN pictures AS p ON p.id = d.picture"
        ).fetchall()
        failed = catalog.connection.execute(
            "SELECT path, failure_kind, failure_detail FROM files WHERE failure_kind IS NOT NULL"
        ).fetchall()
    return {row[0]: (*row[1:3], round(row[3], 5), *row[4:]) for row in rows} | {str(row[0]): row[1:] for row in failed}


def kept_rows(library: Path) -> set[bytes]:
    """Every row of embeddings and looks, with its checksum."""
    rows = set[bytes]()
    for path in library.joinpath(".illsort").rglob("*.rows"):
        content = path.read_bytes()
        widths = int.from_bytes(content[16:20], "little") + int.from_bytes(content[20:24], "little")
        length = 32 + 8 + 2 * widths + 4
        rows |= {content[start : start + length] for start in range(64, len(content), length)}
    return rows


OPENED: list[str] = []
WATCHED: list[str] = []


def _watch(event: str, details: tuple[Any, ...]) -> None:
    if event == "open" and WATCHED and str(details[0]).startswith(tuple(WATCHED)):
        OPENED.append(str(details[0]))


sys.addaudithook(_watch)


@contextmanager
def opens(folder: Path) -> Iterator[list[str]]:
    """The files below `folder` that are opened meanwhile."""
    OPENED.clear()
    WATCHED.append(f"{folder}{os.sep}")
    try:
        yield OPENED
    finally:
        WATCHED.clear()


OPTIONS = [{"threshold": 0.6}, {"max_error": 0.3}, {"max_error": 0.001, "best": True}]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("is_spread", [True, False], ids=["spread", "own"])
def test_answers_with_embeddings_sort_as_reading_does(
    tmp_path: Path, crawl: Path, model: Bundle, fine_tuned: Bundle, *, is_spread: bool, options: dict[str, Any]
) -> None:
    one = model if is_spread else fine_tuned
    answers = answered(crawl, one, embeddings=True).write(tmp_path / "answers")
    expected = run(tmp_path, one, library="read", **options)
    with opens(crawl) as opened:
        found = run(tmp_path, one, library="sorted", answers=str(answers), **options)

    assert expected == found
    assert [] == opened
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")
    trees = [all_files(tmp_path / name) for name in ("read", "sorted")]
    assert {name: content for name, content in trees[0].items() if name != "_broken.csv"} == {
        name: content for name, content in trees[1].items() if name != "_broken.csv"
    }
    assert kept_rows(tmp_path / "read") == kept_rows(tmp_path / "sorted")


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_answers_without_embeddings_sort_as_reading_does(
    tmp_path: Path, crawl: Path, fine_tuned: Bundle, options: dict[str, Any]
) -> None:
    answers = answered(crawl, fine_tuned).write(tmp_path / "answers")
    expected = run(tmp_path, fine_tuned, library="read", **options)
    with opens(crawl) as opened:
        found = run(tmp_path, fine_tuned, answers=str(answers), **options)

    assert expected == found
    assert [] == opened
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")
    assert list(all_files(tmp_path / "read")) == list(all_files(tmp_path / "sorted"))


def test_answers_without_embeddings_are_not_spread_and_it_is_said(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    answers = answered(crawl, model).write(tmp_path / "answers")
    progress = SavingProgress()
    expected = run(tmp_path, model, library="read", max_error=0.3, of_sort={"neighbors": False})
    with opens(crawl) as opened:
        found = run(tmp_path, model, max_error=0.3, answers=str(answers), progress=progress)

    assert expected == found
    assert [] == opened
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")
    assert "answers are not spread over near pictures: of more than one in a hundred no embedding is kept" in (
        progress.messages
    )


def test_what_changed_since_or_has_no_answer_is_read(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    made = answered(crawl, model, embeddings=True)
    del made.parts[0]
    answers = made.write(tmp_path / "answers")
    unanswered = ["00.png", "01.png", "02.png", "03.png"]
    (crawl / "05.png").write_bytes(picture(31))
    (crawl / "06.png").write_bytes((crawl / "06.png").read_bytes())  # the same, at another time
    os.utime(crawl / "06.png", (1, 1))
    make_tree(crawl, {"new.png": picture(32)})
    with opens(crawl) as opened:
        run(tmp_path, model, answers=str(answers))
    expected = run(tmp_path, model, library="read")

    assert {*unanswered, "05.png", "06.png", "new.png"} == {Path(name).name for name in opened} - {"same.png"}
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")
    assert expected["filed"] > 0


def test_what_may_have_passed_is_read_again(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    made = answered(crawl, model)
    row = made.parts[0][1]
    row |= {name: None for name in row if name not in {"key", "size_bytes", "version"}}
    row |= {"failure": "took too long", "failure_code": "deadline", "failure_params": '{"seconds": 60}'}
    answers = made.write(tmp_path / "answers")
    with opens(crawl) as opened:
        found = run(tmp_path, model, answers=str(answers))

    assert ["01.png"] == [Path(name).name for name in opened]
    assert 1 == found["broken"]


def test_answers_of_another_folder_are_said_to_be_of_none(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    answers = answered(crawl / "in a folder", model).write(tmp_path / "answers")
    progress = SavingProgress()
    run(tmp_path, model, answers=str(answers), progress=progress)
    assert "none of the answers is of a file of this crawl as it is: they are of file:///crawl" in progress.messages

    own = answered(crawl, model).write(tmp_path / "own")
    again = SavingProgress()
    run(tmp_path, model, answers=str(own), progress=again)
    assert not [message for message in again.messages if "answers" in message and "spread" not in message]


class StoppedAfter:
    """Ends the sort after some rows have been taken."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, calls: int) -> None:
        self._left, self._real = calls, take_answers.record_files
        monkeypatch.setattr(take_answers, "record_files", self)

    def __call__(self, *given: Any) -> None:
        """As the real one, before that."""
        if not self._left:
            raise Stop
        self._left -= 1
        self._real(*given)


@pytest.mark.parametrize("calls", range(5))
def test_a_stopped_sort_goes_on_with_its_answers(
    tmp_path: Path, crawl: Path, model: Bundle, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    expected = run(tmp_path, model, library="read")
    with monkeypatch.context() as patch:
        StoppedAfter(patch, calls)
        with pytest.raises(Stop):
            run(tmp_path, model, answers=str(answers))
    progress = SavingProgress()
    with opens(crawl) as opened:
        found = run(tmp_path, model, progress=progress)

    assert expected == found
    assert [] == opened
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")
    assert f"the last sort of this crawl was stopped: it goes on with --mode link and --answers {answers}" in (
        progress.messages
    )


def test_a_stopped_sort_may_be_given_answers_or_others(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    made = answered(crawl, model, embeddings=True)
    some, others = made.write(tmp_path / "some"), made.write(tmp_path / "others")
    with pytest.raises(Stop):
        run(tmp_path, model, progress=Stopping())
    with opens(crawl) as opened:
        run(tmp_path, model, answers=str(some))
    assert [] == opened

    make_tree(crawl, {"new.png": picture(50)})
    with pytest.raises(Stop):
        run(tmp_path, model, answers=str(some), progress=Stopping())
    asked, progress = list[Message](), SavingProgress()
    run(tmp_path, model, answers=str(others), on_changed=lambda message: not asked.append(message), progress=progress)
    assert [] == asked
    assert any(f"goes on with --mode link and --answers {others}" in one for one in progress.messages)


@pytest.mark.parametrize("lost", ["all", "damaged", "foreign"])
def test_answers_of_a_stopped_sort_that_are_of_no_use_do_not_block_it(
    tmp_path: Path, crawl: Path, model: Bundle, fine_tuned: Bundle, lost: str
) -> None:
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    make_tree(crawl, {"new.png": picture(50)})
    with pytest.raises(Stop):
        run(tmp_path, model, answers=str(answers), progress=Stopping())
    if lost == "damaged":
        last = max(answers.iterdir())
        last.write_bytes(last.read_bytes()[:-9])
        with pytest.raises(IllsortError, match="is damaged"):
            run(tmp_path, model, answers=str(answers))
    else:
        shutil.rmtree(answers)
    if lost == "foreign":
        answered(crawl, fine_tuned).write(answers)
        with pytest.raises(IllsortError, match="its answers are of another model"):
            run(tmp_path, model, answers=str(answers))
    progress = SavingProgress()

    assert run(tmp_path, model, library="read") == run(tmp_path, model, progress=progress)
    assert 1 == len([one for one in progress.messages if "the answers of the stopped run cannot be used" in one])
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")


def test_a_stopped_sort_that_goes_on_with_another_model_drops_its_answers(
    tmp_path: Path, crawl: Path, model: Bundle, fine_tuned: Bundle
) -> None:
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    make_tree(crawl, {"new.png": picture(50)})
    with pytest.raises(Stop):
        run(tmp_path, model, answers=str(answers), progress=Stopping())
    progress = SavingProgress()
    found = run(tmp_path, fine_tuned, on_changed=lambda _: False, progress=progress)

    assert run(tmp_path, fine_tuned, library="read") == found
    assert any("its answers are of another model" in one for one in progress.messages)


def test_answers_that_the_last_model_of_a_library_did_not_give_begin_no_sort(
    tmp_path: Path, crawl: Path, model: Bundle, fine_tuned: Bundle
) -> None:
    expected = run(tmp_path, model)
    answers = answered(crawl, fine_tuned).write(tmp_path / "answers")
    settings, progress = Settings(runtime=RuntimeSettings(workers=0, device="cpu")), SavingProgress()
    with pytest.raises(IllsortError, match="its answers are of another model"):
        sort(crawl, library=tmp_path / "sorted", bundle=None, settings=settings, answers=str(answers))

    assert expected == run(tmp_path, model, progress=progress)
    assert not [one for one in progress.messages if "stopped" in one]


def test_restart_drops_answers(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    answers = answered(crawl, model).write(tmp_path / "answers")
    (crawl / "new.png").write_bytes(picture(50))
    with pytest.raises(Stop):
        run(tmp_path, model, answers=str(answers), progress=Stopping())
    shutil.rmtree(answers)

    assert 20 == run(tmp_path, model, restart=True)["pictures"]


def test_a_second_sort_takes_nothing_twice(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    first = run(tmp_path, model, answers=str(answers))
    rows, progress = kept_rows(tmp_path / "sorted"), SavingProgress()
    with opens(crawl) as opened:
        second = run(tmp_path, model, answers=str(answers), progress=progress)

    assert first == second
    assert [] == opened
    assert rows == kept_rows(tmp_path / "sorted")
    assert not [message for message in progress.messages if "not read" in message]


def test_a_preview_takes_answers_too(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    settings = Settings(runtime=RuntimeSettings(workers=0, device="cpu"))
    with opens(crawl) as opened:
        shown = preview(
            crawl, library=tmp_path / "sorted", bundle=model.folder, settings=settings, answers=str(answers)
        )
        found = run(tmp_path, model, answers=str(answers))

    assert [] == opened
    assert shown["filed"] == found["filed"]


def test_copies_are_found_by_the_looks_in_answers(tmp_path: Path, model: Bundle) -> None:
    image = drawing(1)
    small = image.resize((300, 390))
    crawl = aged(make_tree(tmp_path / "crawl", {"a.png": encoded(image, "PNG"), "b.png": encoded(small, "PNG")}))
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    best: dict[str, Any] = {"of_sort": {"duplicates": Duplicates.FOLDER, "unknown": False}, "threshold": 0.01}
    expected = run(tmp_path, model, library="read", **best)
    with opens(crawl) as opened:
        found = run(tmp_path, model, answers=str(answers), **best)

    assert expected == found
    assert 1 == found["copies"]
    assert [] == opened


def test_answers_of_another_model_or_none_are_refused_before_anything_is_made(
    tmp_path: Path, crawl: Path, model: Bundle, fine_tuned: Bundle
) -> None:
    answers = answered(crawl, model).write(tmp_path / "answers")
    with pytest.raises(IllsortError, match=r"its answers are of another model .*: run illsort predict with this one"):
        run(tmp_path, fine_tuned, answers=str(answers))
    with pytest.raises(IllsortError, match="holds no answers; make them with: illsort predict PARTS"):
        run(tmp_path, model, answers=str(tmp_path / "none"))
    with pytest.raises(IllsortError, match="leave key, secret and password out"):
        run(tmp_path, model, answers="s3://key:secret@bucket/answers")
    other = with_another_head(tmp_path / "other", fine_tuned)
    with pytest.raises(IllsortError, match="its answers are of another model"):
        run(tmp_path, other, answers=str(answered(crawl, fine_tuned, embeddings=True).write(tmp_path / "more")))

    assert not (tmp_path / "sorted").exists()


def test_a_damaged_file_of_answers_is_one_line(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    second = sorted(answers.iterdir())[1]
    whole = second.read_bytes()
    for damaged in (b"", whole[:-9], whole[: len(whole) // 2], whole[:300] + bytes(500) + whole[800:]):
        second.write_bytes(damaged)
        with pytest.raises(IllsortError, match=f"{second.name}: is damaged"):
            run(tmp_path, model, answers=str(answers))
    second.write_bytes(whole)

    assert run(tmp_path, model, answers=str(answers)) == run(tmp_path, model, library="read")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("logits", [1.0, 2.0]),
        ("logits", [1.0, 2.0, float("nan")]),
        ("image_id", "x" * 64),
        ("image_id", None),
        ("width", 0),
        ("truncated", None),
        ("ood_score", float("inf")),
        ("look", b"short"),
        ("embedding", [1.0]),
        ("failure", "of no kind"),
    ],
)
def test_rows_that_cannot_be_answers_are_one_line(
    tmp_path: Path, crawl: Path, model: Bundle, column: str, value: object
) -> None:
    made = answered(crawl, model, embeddings=True)
    made.parts[1][2][column] = value
    answers = made.write(tmp_path / "answers")
    with pytest.raises(IllsortError, match="is damaged, or no answers of illsort"):
        run(tmp_path, model, answers=str(answers))


def test_keys_that_lead_out_of_the_crawl_or_are_no_names_are_of_no_file(
    tmp_path: Path, crawl: Path, model: Bundle
) -> None:
    made = answered(crawl, model)
    rows = [row for part in made.parts for row in part]
    for row, key in zip(rows, ("../x.png", "/etc/passwd", "\\ud800.png", "a\0b", ""), strict=False):
        row["key"] = key
    rows[5]["version"] = "an-etag"
    rows[6] |= {"tar": "a.tar", "offset": 512}
    answers = made.write(tmp_path / "answers")
    with opens(crawl) as opened:
        run(tmp_path, model, answers=str(answers))

    assert 7 == len({name for name in opened if not name.endswith("same.png")})


def test_the_command_takes_answers(tmp_path: Path, crawl: Path, model: Bundle) -> None:
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    words = ["sort", crawl, "--out", tmp_path / "sorted", "--model", model.folder, "--json"]
    done = illsort(*words, "--answers", answers, "--set", "runtime.workers=0")

    assert 1 == done.returncode
    assert done.json["filed"] == run(tmp_path, model, library="read")["filed"]
    assert "pictures are decided by the answers given, not read" in done.stderr


@pytest.mark.parametrize("version", ["9" * 32, "9" * 19, "--5", "-", "1" * 5000, "\u0661\u0662", ""])
def test_a_version_that_is_no_time_of_a_file_is_of_no_file(
    tmp_path: Path, crawl: Path, model: Bundle, version: str
) -> None:
    made = answered(crawl, model)
    made.parts[0][1]["version"] = version
    with opens(crawl) as opened:
        run(tmp_path, model, answers=str(made.write(tmp_path / "answers")))

    assert ["01.png"] == [Path(name).name for name in opened]


FAILED_THERE: list[tuple[str, str, str]] = [
    ("unsupported format", "format_not_read", '{"format": "PNG", "readable": []}'),
    ("too large", "size_limit", '{"height": 9, "limit": 0.01, "megapixels": 9, "width": 9}'),
]


@pytest.mark.parametrize("failure", FAILED_THERE)
def test_what_another_machine_could_not_read_is_read_here(
    tmp_path: Path, crawl: Path, model: Bundle, failure: tuple[str, str, str]
) -> None:
    made = answered(crawl, model, embeddings=True)
    row = made.parts[0][1]
    row |= {name: None for name in row if name not in {"key", "size_bytes", "version"}}
    row |= dict(zip(("failure", "failure_code", "failure_params"), failure, strict=True))
    expected = run(tmp_path, model, library="read")
    with opens(crawl) as opened:
        found = run(tmp_path, model, answers=str(made.write(tmp_path / "answers")))

    assert ["01.png"] == [Path(name).name for name in opened]
    assert expected == found
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")


def test_what_is_too_large_for_this_sort_is_refused_whatever_answered(
    tmp_path: Path, crawl: Path, model: Bundle
) -> None:
    make_tree(crawl, {"large.png": encoded(varied((200, 30, 30), seed=3, size=(300, 200)), "PNG")})
    answers = answered(crawl, model, embeddings=True).write(tmp_path / "answers")
    images = ImageSettings(max_megapixels=0.05)
    expected = run(tmp_path, model, library="read", images=images)
    found = run(tmp_path, model, answers=str(answers), images=images)

    assert 3 == expected["broken"]
    assert expected == found
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")


@pytest.mark.parametrize("is_read", [True, False], ids=["read", "answered"])
def test_answers_with_embeddings_add_them_to_what_is_known_without(
    tmp_path: Path, crawl: Path, model: Bundle, *, is_read: bool
) -> None:
    made = answered(crawl, model, embeddings=True)
    without = answered(crawl, model).write(tmp_path / "without")
    answers = made.write(tmp_path / "answers")
    expected = run(tmp_path, model, library="read", max_error=0.3)
    if is_read:
        run(tmp_path, model, max_error=0.3, of_sort={"embeddings": False})
    else:
        run(tmp_path, model, max_error=0.3, answers=str(without))
    assert set() == kept_rows(tmp_path / "sorted")
    progress = SavingProgress()
    with opens(crawl) as opened:
        found = run(tmp_path, model, max_error=0.3, answers=str(answers), progress=progress)

    assert [] == opened
    assert expected == found
    assert kept_rows(tmp_path / "read") == kept_rows(tmp_path / "sorted")
    assert decided(tmp_path / "read") == decided(tmp_path / "sorted")
    assert not [one for one in progress.messages if "not read" in one]
