"""The report of a library tells what lies where, and is a file of the library's own: it disturbs nothing."""

# ruff: noqa: RUF001 - Chinese has its own punctuation

from __future__ import annotations

import sqlite3
from contextlib import closing
from html import escape
from pathlib import Path

import pytest

from classifier.audit.session import open_session
from classifier.catalog.connection import reported_as_library_error
from classifier.catalog.lock import hold_lock
from classifier.catalog.stats import library_stats
from classifier.cli.status import _runs
from classifier.errors import LibraryError
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.records import AnnotationKind
from classifier.report.library_report import library_page, write_library_report
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit.bundles import color_bundle
from kit.pictures import COLORS, encoded, plain, varied
from kit.tree import MARKUP, make_tree

SETTINGS = Settings(runtime=RuntimeSettings(workers=0))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors", evidence=600).folder


@pytest.fixture
def library(tmp_path: Path, model: Path) -> Path:
    crawl = make_tree(
        tmp_path / f"crawl {MARKUP}",
        {f"{n}.png": encoded(varied(COLORS["red"], seed=n), "PNG") for n in range(6)}  # type: ignore[arg-type]
        | {"b.jpg": b"<html>", "u.png": encoded(plain((120, 120, 120)), "PNG")},
    )
    sort(crawl, library=tmp_path / "图库", bundle=model, settings=SETTINGS)
    return tmp_path / "图库"


def test_it_shows_counts_runs_and_unreadable_files(library: Path) -> None:
    text = write_library_report(library).read_text(encoding="utf-8")

    assert "<h1>图库</h1>" in text
    assert '<tr><td class="name">red</td>' in text
    assert f"crawl {escape(MARKUP)}" in text
    assert "not a picture" in text
    assert "不是图片" in text
    assert 1 == text.count('<svg class="plot"')


def test_verify_counts_it_as_ours_and_it_is_written_over_again(library: Path) -> None:
    first = write_library_report(library)
    again = write_library_report(library)
    seen = verify(library)

    assert first == again == library / "report.html"
    assert ([], []) == (seen.off, seen.yours)
    assert ["_broken.csv", "report.html"] == sorted(path.name for path in library.iterdir() if path.is_file())


def test_sort_and_undo_go_on_as_if_it_were_not_there(library: Path, tmp_path: Path, model: Path) -> None:
    write_library_report(library)
    again = sort(tmp_path / f"crawl {MARKUP}", library=library, bundle=model, settings=SETTINGS)
    undone = undo(library)

    assert 8 == again["pictures"]
    assert [] == undone.left
    assert (library / "report.html").exists()


def test_a_run_is_shown_as_undone_until_its_undo_is_undone(library: Path) -> None:
    assert [] == _shown_undone(library)
    undo(library)
    assert ["#1"] == _shown_undone(library)
    assert 2 == undo(library).last_undo

    undo(library, run=2)
    assert ["#2"] == _shown_undone(library)
    undo(library)
    assert ["#1", "#2"] == sorted(_shown_undone(library))


def test_runs_are_named_in_both_languages(library: Path) -> None:
    undo(library)
    page = library_page(library)

    for english, chinese in (("sort", "整理"), ("undo", "撤销"), ("link", "硬链接")):
        assert f'<td><span class="en" lang="en">{english}</span><span class="zh" lang="zh">{chinese}</span>' in page


def _shown_undone(library: Path) -> list[str]:
    """The runs that both the table of `illsort status` and the report show as undone."""
    rows = [line.split()[0] for line in _runs(library_stats(library), library) if " undone " in line]
    assert len(rows) == library_page(library).count(">已撤销<")
    return rows


def test_a_file_of_another_or_one_that_was_changed_is_never_replaced(library: Path) -> None:
    path = library / "report.html"
    path.write_text("mine", encoding="utf-8")

    with pytest.raises(LibraryError, match="is not as illsort wrote it"):
        write_library_report(library)
    assert "mine" == path.read_text(encoding="utf-8")


def test_a_library_in_use_is_left_alone(library: Path) -> None:
    with hold_lock(library), pytest.raises(LibraryError, match="is in use"):
        write_library_report(library)
    assert not (library / "report.html").exists()


def test_it_shows_the_guarantee_and_the_result_of_the_audit(tmp_path: Path, model: Path) -> None:
    crawl = make_tree(
        tmp_path / "crawl",
        {f"{n}.png": encoded(varied(COLORS["red"], seed=n), "PNG") for n in range(6)},  # type: ignore[arg-type]
    )
    library = tmp_path / "library"
    sort(crawl, library=library, bundle=model, settings=SETTINGS, max_error=0.1)
    with open_session(library, count=4) as session:
        session.answer(AnnotationKind.WRONG)
        while not session.state.is_finished:
            session.answer(AnnotationKind.RIGHT)
    text = write_library_report(library).read_text(encoding="utf-8")

    assert "The last sort promised: at most 10% wrong among the filed" in text
    assert "已归类中至多 10% 错误" in text
    assert "1 of 4 looked at were wrong" in text


def test_a_promise_of_an_earlier_version_is_read_in_both_languages(tmp_path: Path, model: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"0.png": encoded(varied(COLORS["red"], seed=0), "PNG")})
    library = tmp_path / "library"
    sort(crawl, library=library, bundle=model, settings=SETTINGS, max_error=0.1)
    change_runs(library, "settings = json_remove(settings, '$.sort.promise.message')")

    assert "已归类中至多 10% 错误" in library_page(library)

    change_runs(library, "settings = json_set(settings, '$.sort.promise.pictures', 'x')")

    assert "最近一次整理的保证：at most 10% wrong" in library_page(library)


@pytest.mark.parametrize("summary", ["[]", "1", '"x"'])
def test_a_damaged_summary_of_a_run_is_known_as_damage(library: Path, summary: str) -> None:
    change_runs(library, f"summary = '{summary}'")

    with pytest.raises(LibraryError, match="damaged"), reported_as_library_error(library):
        library_page(library)


def change_runs(library: Path, change: str) -> None:
    with closing(sqlite3.connect(library / ".illsort/catalogue.sqlite")) as connection, connection:
        connection.execute(f"UPDATE runs SET {change}")  # noqa: S608 - a test's own


def test_it_shows_skipped_images_and_further_audits(tmp_path: Path, model: Path) -> None:
    crawl = make_tree(
        tmp_path / "crawl",
        {f"{n}.png": encoded(varied(COLORS["red"], seed=n), "PNG") for n in range(6)},  # type: ignore[arg-type]
    )
    library = tmp_path / "library"
    sort(crawl, library=library, bundle=model, settings=SETTINGS)
    for count, answer in ((3, AnnotationKind.RIGHT), (2, AnnotationKind.SKIPPED)):
        with open_session(library, count=count) as session:
            while not session.state.is_finished:
                session.answer(answer)
    text = library_page(library)

    assert "0 of 2 looked at were wrong and 2 skipped, which count as wrong, drawn at random from 6 filed." in text
    assert "从 6 张已归类图片中随机抽取，查看 2 张，其中 0 张错误，2 张跳过（按错误计）。" in text
    assert "It is audit 2 of the same sort, so it is judged at 99.5%" in text
    assert "That audit is of an earlier sorting" not in text
    undo(library)
    assert "That audit is of an earlier sorting" in library_page(library)


def test_a_folder_that_is_not_a_library_is_not_changed(tmp_path: Path) -> None:
    with pytest.raises(LibraryError, match="is not an illsort library"):
        write_library_report(tmp_path)
    assert [] == list(tmp_path.iterdir())


def test_an_empty_library_has_a_report(tmp_path: Path, model: Path) -> None:
    crawl = make_tree(tmp_path / "crawl", {"b.jpg": b"<html>"})
    sort(crawl, library=tmp_path / "out", bundle=model, settings=SETTINGS)

    assert "could not be read" in write_library_report(tmp_path / "out").read_text(encoding="utf-8")
