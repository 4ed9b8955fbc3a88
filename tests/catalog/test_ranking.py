"""The outlook: the newest that can be read counts, and none that is damaged or of another format is in the way."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from classifier.catalog.connection import Catalog, open_catalog
from classifier.catalog.filesystem import state_folder
from classifier.catalog.ranking import Rank, attach_newest, write

META = {"categories": ["a", "b"], "temperature": 1.5}


def rank(picture: str, place: int = 0) -> Rank:
    return Rank(
        image_id=picture, action="review", position=place, category="a", confidence=0.5, cluster_id=0, logits=None
    )


def ranked(catalog: Catalog) -> list[str]:
    return [picture for (picture,) in catalog.connection.execute("SELECT picture FROM outlook.ranks")]


def test_the_newest_ranking_is_attached_with_its_meta(tmp_path: Path) -> None:
    with open_catalog(tmp_path) as catalog:
        none = attach_newest(catalog)
        assert (0, []) == (none.number, ranked(catalog))
        write(tmp_path, [rank("p")], meta=META)
        number = write(tmp_path, [rank("q"), rank("r", 1)], meta=META | {"verdicts": 35})

        outlook = attach_newest(catalog, none)

        assert (number, 35, 1.5) == (outlook.number, outlook.meta["verdicts"], outlook.meta["temperature"])
        assert ["q", "r"] == ranked(catalog)
        assert outlook is attach_newest(catalog, outlook)


def test_older_and_incomplete_rankings_are_removed(tmp_path: Path) -> None:
    for _ in range(3):
        write(tmp_path, [], meta=META)

    assert ["outlook-3.db"] == [path.name for path in state_folder(tmp_path).glob("outlook*")]


def test_a_damaged_or_foreign_ranking_is_skipped(tmp_path: Path) -> None:
    write(tmp_path, [rank("p")], meta=META)
    folder = state_folder(tmp_path)
    whole = (folder / "outlook-1.db").read_bytes()
    (folder / "outlook-2.db").write_bytes(whole)
    with closing(sqlite3.connect(folder / "outlook-2.db")) as connection:
        connection.execute("PRAGMA user_version = 99")
    (folder / "outlook-3.db").write_bytes(b"no database at all" * 500)
    (folder / "outlook-4.db").write_bytes(b"")
    (folder / "outlook-5.db.part").write_bytes(whole)
    (folder / "outlook-six.db").write_bytes(whole)
    with open_catalog(tmp_path) as catalog:
        outlook = attach_newest(catalog)

        assert (1, ["p"]) == (outlook.number, ranked(catalog))
        assert outlook is attach_newest(catalog, outlook)
    assert 5 == write(tmp_path, [], meta=META)


def test_an_attached_ranking_is_read_only(tmp_path: Path) -> None:
    write(tmp_path, [rank("p")], meta=META)
    with open_catalog(tmp_path) as catalog:
        attach_newest(catalog)
        try:
            catalog.connection.execute("DELETE FROM outlook.ranks")
        except sqlite3.OperationalError as error:
            told = str(error)

    assert "readonly" in told
