"""`illsort sort --dry-run`: a table, a contact sheet, one line a picture only where asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.bundles import color_bundle
from kit.commands import illsort
from kit.pictures import COLORS, encoded, plain, varied
from kit.tree import all_files, make_tree

CRAWL = {f"{color}.png": encoded(varied(COLORS[color], seed=1), "PNG") for color in ("red", "green", "blue")}
CRAWL |= {"u.png": encoded(plain((120, 120, 120)), "PNG"), "p.jpg": b"<html>"}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors").folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, bundle: Path) -> Path:
    """A crawl that is previewed once, so that no later preview or sort here needs the network."""
    folder = tmp_path_factory.mktemp("previewed")
    make_tree(folder / "crawl", CRAWL)
    shown = illsort(*words(folder), "--model", bundle, "--dry-run", "--mode", "move")
    (folder / "shown.txt").write_text(shown.stdout, encoding="utf-8")
    return folder


def words(folder: Path) -> tuple[str | Path, ...]:
    return ("sort", folder / "crawl", "--out", folder / "sorted", "--workers", "0")


def test_it_prints_a_table_and_makes_only_the_state_and_the_sheet(folder: Path, bundle: Path) -> None:
    lines = (folder / "shown.txt").read_text(encoding="utf-8").splitlines()
    rows = {line.split()[0]: line.split() for line in lines if line}

    assert CRAWL == all_files(folder / "crawl")
    assert {".illsort", "_preview.html"} == {path.name for path in (folder / "sorted").iterdir()}
    assert ["all", "3", "1", "0"] == rows["all"]
    assert "1" == rows["red"][1]
    assert not any(line.startswith("move: ") for line in lines)
    assert f"  1 unreadable: would be listed in {folder / 'sorted' / '_broken.csv'}" in lines
    assert f"nothing was filed or moved; what was read is kept in {folder / 'sorted' / '.illsort'}" in lines
    command = f"illsort sort {folder / 'crawl'} --out {folder / 'sorted'} --model {bundle} --mode move"
    assert lines[-1].endswith(command)


def test_verbose_prints_a_line_for_each_picture(folder: Path) -> None:
    shown = illsort(*words(folder), "--dry-run", "--verbose")

    assert f"link: {folder / 'crawl' / 'red.png'} -> {folder / 'sorted' / 'red' / 'red.png'}" in shown.stdout


def test_json_lines_are_moves_and_json_ends_with_the_summary(folder: Path) -> None:
    shown = illsort(*words(folder), "--dry-run", "--json-lines", "--json")
    *moves, summary = map(json.loads, shown.stdout.splitlines())

    assert 1 == shown.returncode
    assert ["blue.png", "green.png", "red.png", "u.png"] == [Path(move["source"]).name for move in moves]
    red = moves[2]
    assert ("file", "red", "link", None) == (red["action"], red["category"], red["method"], red["problem"])
    assert 0.9 <= red["confidence"] <= 1
    assert "review" == moves[3]["action"]
    assert (3, 1) == (summary["filed"], summary["review"])
    assert 3 == sum(row["filed"] for row in summary["table"])
    assert summary["sheet"].endswith("_preview.html")
    assert "would be filed" in shown.stderr


def test_json_lines_need_a_preview(folder: Path) -> None:
    shown = illsort(*words(folder), "--json-lines")

    assert (2, "illsort: --json-lines prints planned moves: give it with --dry-run\n") == (
        shown.returncode,
        shown.stderr,
    )


def test_the_other_commands_say_that_nothing_was_filed_yet(folder: Path) -> None:
    library = folder / "sorted"
    status = illsort("status", library).stdout
    assert "#1 preview" in status
    assert "nothing was filed yet" in status
    assert f"illsort sort {folder / 'crawl'} --out {library}" in status
    assert "p.jpg: not a picture:" in status
    assert "there is nothing to undo\n" == illsort("undo", library).stdout
    assert "0 files checked, all as they should be\n" == illsort("verify", library).stdout
    audit = illsort("audit", library, "--no-open")
    assert (2, f"illsort: {library}: nothing is filed there yet, so there is nothing to audit\n") == (
        audit.returncode,
        audit.stderr,
    )
    assert 0 == illsort("report", library).returncode
