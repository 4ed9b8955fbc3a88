"""The groups of copies that a library keeps: only what is new is compared, and what is found is as if all were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from classifier.catalog.connection import Catalog, open_catalog
from classifier.catalog.copies import groups_of, keep_all
from classifier.catalog.files import add_image
from classifier.duplicates import known_groups
from classifier.duplicates.keep import write_looks
from classifier.duplicates.known_groups import update_groups
from classifier.progress import SilentProgress
from classifier.records import ImageId, ImageInfo
from kit.copies import COPIES, compressed, drawing, look_at, with_face


@dataclass
class Known:
    """A catalog that learns of images with their looks."""

    catalog: Catalog
    library: Path

    def add(self, **images: Image.Image) -> None:
        """Images by their names, and the groups after that."""
        infos = [
            ImageInfo(
                id=id_of(name),
                size_bytes=9 if name == "copy" else 10,
                width=image.width,
                height=image.height,
                truncated=False,
                look=look_at(image),
            )
            for name, image in images.items()
        ]
        with self.catalog.transaction():
            for info in infos:
                add_image(self.catalog, info)
        write_looks(self.catalog, self.library, infos)
        update_groups(self.catalog, self.library, SilentProgress())

    def groups(self) -> set[frozenset[str]]:
        """By names."""
        rows = self.catalog.connection.execute("SELECT picture FROM copies")
        found = groups_of(self.catalog, [ImageId(image_id) for (image_id,) in rows])
        return {frozenset(name_of(one.image_id) for one in group) for group in found.values()}

    def kept(self) -> set[str]:
        """The images that are kept by themselves."""
        return {name_of(one) for (one,) in self.catalog.connection.execute("SELECT picture FROM copies WHERE kept")}


def id_of(name: str) -> ImageId:
    return ImageId(name.encode().hex().ljust(64, "0"))


def name_of(image_id: str) -> str:
    return bytes.fromhex(image_id).rstrip(b"\0").decode()


@pytest.fixture
def known(tmp_path: Path) -> Iterator[Known]:
    with open_catalog(tmp_path / "library") as catalog:
        yield Known(catalog, tmp_path / "library")


FIRST, SECOND = drawing(1), drawing(2)
SMALL = compressed(FIRST.resize((200, 260)))


def test_copies_that_come_one_after_the_other_are_of_one_group(known: Known) -> None:
    known.add(small=SMALL, other=SECOND)
    assert known.groups() == set()
    known.add(first=FIRST)
    known.add(tiny=FIRST.resize((100, 130)), face=with_face(FIRST, smiling=True))

    assert known.groups() == {frozenset({"small", "first", "tiny"})}


@pytest.mark.parametrize("is_copy_first", [True, False])
@pytest.mark.parametrize("kind", COPIES)
def test_each_kind_of_copy_is_found_whichever_comes_first(known: Known, kind: str, *, is_copy_first: bool) -> None:
    came = [{"other": SECOND, "first": FIRST}, {"copy": COPIES[kind](FIRST)}]

    for images in came[::-1] if is_copy_first else came:
        known.add(**images)

    assert known.groups() == {frozenset({"first", "copy"})}


def test_nothing_new_compares_nothing(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    known.add(first=FIRST, small=SMALL)
    monkeypatch.setattr(known_groups, "find_groups", None)

    update_groups(known.catalog, known.library, SilentProgress())

    assert known.groups() == {frozenset({"first", "small"})}


def test_of_the_known_only_what_may_be_a_copy_is_compared_with_the_new(
    known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    known.add(**{f"image{number}": drawing(number) for number in range(3, 9)}, small=SMALL)
    compared: list[int] = []
    find = known_groups.find_groups
    monkeypatch.setattr(
        known_groups, "find_groups", lambda pictures: [compared.append(len(pictures)), find(pictures)][1]
    )

    known.add(first=FIRST)

    assert known.groups() == {frozenset({"first", "small"})}
    assert compared == [2]


def test_kept_by_a_person_a_group_stays_so_until_a_copy_joins(known: Known) -> None:
    known.add(first=FIRST, small=SMALL, other=SECOND, half=SECOND.resize((200, 260)))
    keep_all(known.catalog, [id_of("small")])
    assert known.kept() == {"first", "small"}

    known.add(another=drawing(9))
    assert known.kept() == {"first", "small"}
    known.add(tiny=FIRST.resize((100, 130)))
    assert known.kept() == set()


def test_a_variant_stays_apart_from_both_groups(known: Known) -> None:
    smiling, serious = (with_face(FIRST, smiling=one) for one in (True, False))

    known.add(smiling=smiling, serious=serious)
    known.add(small=compressed(smiling.resize((200, 260))))

    assert known.groups() == {frozenset({"smiling", "small"})}
