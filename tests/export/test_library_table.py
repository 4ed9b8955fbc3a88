"""A library exported as a table: the same rows in every format, whole or not at all, and never over another file."""

from __future__ import annotations

import csv
import io
import json
import shutil
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from classifier.catalog import annotation_log
from classifier.catalog.categories import rename
from classifier.catalog.connection import open_catalog
from classifier.catalog.lock import hold_lock
from classifier.cli.terminal import print_json_lines
from classifier.errors import SettingsError
from classifier.export import library_table, table_formats
from classifier.export.library_table import Row
from classifier.export.new_file import new_file
from classifier.export.table_formats import table_writer
from classifier.filing.verify import verify
from classifier.images.hashing import hash_bytes
from classifier.records import Annotation, AnnotationKind, ImageId
from classifier.settings import RuntimeSettings, Settings
from classifier.sort.pipeline import sort
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.pictures import COLORS, encoded, plain, varied
from kit.tree import make_tree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import BinaryIO

RED = {
    "红 1.png": encoded(varied(COLORS["red"], seed=1), "PNG"),
    "=1+1.png": encoded(varied(COLORS["red"], seed=2), "PNG"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, a crawl, and a library of two red pictures and a gray one, of which a person answered for one."""
    folder = tmp_path_factory.mktemp("export")
    model = color_bundle(folder / "model").folder
    crawl = make_tree(folder / "crawl", {"a": {**RED}, "gray.png": encoded(plain((120, 120, 120)), "PNG")})
    sort(crawl, library=folder / "library", bundle=model, settings=Settings(runtime=RuntimeSettings(workers=0)))
    with hold_lock(folder / "library"), open_catalog(folder / "library") as catalog:
        answer = Annotation(
            image_id=_id(crawl / "gray.png"), kind=AnnotationKind.NONE, category=None, origin="review", at="2026-11-30"
        )
        annotation_log.add(catalog, answer)
    return folder


def _id(path: Path) -> ImageId:
    return hash_bytes(path.read_bytes())


def _exported(folder: Path, to: Path) -> bytes:
    ended = illsort("export", folder / "library", "--to", to)
    assert (0, f"3 pictures exported: {to}\n") == (ended.returncode, ended.stdout)
    return to.read_bytes()


def _json_lines(content: bytes) -> dict[str, dict[str, Any]]:
    rows = [json.loads(line) for line in content.splitlines()]
    return {row["path"].rpartition("/")[2]: row for row in rows}


def test_each_picture_is_a_line_with_all_that_is_known_of_it(folder: Path, tmp_path: Path) -> None:
    rows = _json_lines(_exported(folder, tmp_path / "table.jsonl"))
    source = folder / "crawl" / "a" / "红 1.png"
    red, gray = rows["红 1.png"], rows["gray.png"]

    assert list(Row._fields) == list(red)
    assert ("red/红 1.png", source.as_posix(), _id(source)) == (red["path"], red["source"], red["sha256"])
    assert ("file", "red", "above_threshold") == (red["action"], red["category"], red["reason"])
    assert ["red", "blue", "green"] == sorted(red["probabilities"], key=lambda name: (name != "red", name))
    assert red["confidence"] == pytest.approx(red["probabilities"]["red"], abs=1e-6)
    assert 1 == pytest.approx(sum(red["probabilities"].values()), abs=1e-5)
    assert (32, red["model"]) == (len(red["model"]), gray["model"])
    assert (source.stat().st_size, 64, 48) == (red["size_bytes"], red["width"], red["height"])
    assert (None, None) == (red["annotation"], red["annotation_origin"])
    assert ("none of these", None, "review") == tuple(gray[f"annotation{end}"] for end in ("", "_category", "_origin"))


def test_a_spreadsheet_reads_chinese_names_and_evaluates_none(folder: Path, tmp_path: Path) -> None:
    content = _exported(folder, tmp_path / "table.CSV")
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    expected = _json_lines(_exported(folder, tmp_path / "table.jsonl"))

    assert content.startswith(b"\xef\xbb\xbfpath,source,sha256,")
    assert [row["path"] for row in expected.values()] == [row["path"] for row in rows]
    assert expected["红 1.png"]["probabilities"] == json.loads(rows[-1]["probabilities"])
    row = Row(*(["=1+1", "-2"] + [None] * 14))  # type: ignore[arg-type]
    table_formats.write_csv(made := io.BytesIO(), [row])
    assert b"'=1+1,'-2,,,,,,,,,,,,,,\r\n" == made.getvalue().partition(b"\n")[2]


def test_parquet_has_the_same_rows(folder: Path, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    _exported(folder, tmp_path / "table.parquet")
    table = parquet.read_table(tmp_path / "table.parquet")
    rows = [row | {"probabilities": dict(row["probabilities"])} for row in table.to_pylist()]

    assert list(_json_lines(_exported(folder, tmp_path / "table.jsonl")).values()) == rows


def test_parquet_without_its_package_is_one_line_that_names_it(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table_formats, "find_spec", lambda _name: None)
    ended = illsort("export", folder / "library", "--to", tmp_path / "table.parquet")

    assert 2 == ended.returncode
    assert "pyarrow is not installed: pip install pyarrow" in ended.stderr
    assert [] == list(tmp_path.iterdir())


def test_a_dash_prints_json_lines_in_ascii(folder: Path, tmp_path: Path) -> None:
    ended = illsort("export", folder / "library", "--to", "-")

    assert ended.stdout.isascii()
    assert _json_lines(_exported(folder, tmp_path / "table.jsonl")) == _json_lines(ended.stdout.encode())


def test_a_reader_that_stops_reading_ends_the_printing_quietly(monkeypatch: pytest.MonkeyPatch) -> None:
    class Closed(io.StringIO):
        def write(self, _text: str, /) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("sys.stdout", closed := Closed())
    print_json_lines(repeat({}))

    assert closed.closed


def test_categories_have_the_names_that_a_person_gave_them(folder: Path, tmp_path: Path) -> None:
    library = Path(shutil.copytree(folder / "library", tmp_path / "library"))
    with hold_lock(library), open_catalog(library) as catalog:
        rename(catalog, "red", "blue", at="2026-11-30", step=None)
    illsort("export", library, "--to", tmp_path / "table.jsonl")
    red = _json_lines((tmp_path / "table.jsonl").read_bytes())["红 1.png"]

    assert "blue" == red["category"]
    assert {"blue", "green"} == set(red["probabilities"])


def test_without_its_model_a_library_is_exported_and_a_line_says_what_is_left_out(folder: Path, tmp_path: Path) -> None:
    library = Path(shutil.copytree(folder / "library", tmp_path / "library"))
    model = folder / "model" / "illsort.json"
    model.rename(folder / "away.json")
    try:
        ended = illsort("export", library, "--to", tmp_path / "table.jsonl")
    finally:
        (folder / "away.json").rename(model)
    row = _json_lines((tmp_path / "table.jsonl").read_bytes())["红 1.png"]

    assert "the probabilities are left out" in ended.stderr
    assert ("red", None, None) == (row["category"], row["probabilities"], row["model"])


def test_a_file_that_is_there_is_replaced_only_when_that_is_asked_for(folder: Path, tmp_path: Path) -> None:
    (mine := tmp_path / "table.csv").write_bytes(b"mine")
    refused = illsort("export", folder / "library", "--to", mine)

    assert (2, b"mine") == (refused.returncode, mine.read_bytes())
    assert "is there already; --force replaces it" in refused.stderr
    assert 0 == illsort("export", folder / "library", "--to", mine, "--force").returncode
    assert mine.read_bytes().startswith(b"\xef\xbb\xbfpath")
    assert [mine] == list(tmp_path.iterdir())


def _write(path: Path, *, force: bool, then: Callable[[], object]) -> None:
    with new_file(path, force=force) as file:
        file.write(b"ours")
        then()


def test_a_file_that_appears_while_rows_are_written_stays(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    with pytest.raises(SettingsError, match="is there already"):
        _write(path, force=False, then=lambda: path.write_bytes(b"mine"))

    assert {path: b"mine"} == {one: one.read_bytes() for one in tmp_path.iterdir()}


def test_an_export_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    (path := tmp_path / "table.csv").write_bytes(b"before")
    with pytest.raises(ZeroDivisionError):
        _write(path, force=True, then=lambda: 1 / 0)

    assert {path: b"before"} == {one: one.read_bytes() for one in tmp_path.iterdir()}


def test_places_where_no_table_can_be_written_are_one_line_each(folder: Path, tmp_path: Path) -> None:
    library = folder / "library"
    for to, why in {
        tmp_path / "table.xlsx": "its name must end in .csv, .jsonl, .parquet",
        tmp_path / "none" / "table.csv": "there is no folder",
        library / ".illsort" / "table.csv": "lies among illsort's own files",
    }.items():
        ended = illsort("export", library, "--to", to)
        assert 2 == ended.returncode
        assert why in ended.stderr
        assert not to.exists()
    (tmp_path / "folder.csv").mkdir()
    assert "is a folder" in illsort("export", library, "--to", tmp_path / "folder.csv", "--force").stderr
    assert "give one of --to FILE" in illsort("export", library).stderr
    assert "is not an illsort library" in illsort("export", tmp_path, "--to", tmp_path / "table.csv").stderr
    assert not (tmp_path / "table.csv").exists()


def test_rows_are_written_while_they_are_read_and_the_library_stays_as_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    real = library_table._row

    def seen(*arguments: Any) -> Row:
        order.append("read")
        return real(*arguments)

    def write(_file: BinaryIO, rows: Iterable[Row]) -> None:
        order.extend("written" for _ in rows)

    monkeypatch.setattr(library_table, "_row", seen)
    monkeypatch.setitem(table_formats._WRITERS, ".csv", write)
    assert write is table_writer(Path("x.csv"))
    illsort("export", folder / "library", "--to", tmp_path / "table.csv")

    assert ["read", "written"] * 3 == order
    assert ([], []) == ((checked := verify(folder / "library")).off, checked.yours)
