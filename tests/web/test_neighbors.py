"""The nearest labeled pictures are those of the bundle of the last sort, called as a person calls them now."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifier.catalog import annotation_log, categories
from classifier.catalog.connection import open_catalog
from classifier.model.bundle_files import EMBEDDINGS, MANIFEST
from classifier.model.head import l2_normalize
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import Annotation, AnnotationKind, ImageId, Selection
from classifier.web.neighbors import LabeledIndex, load_labeled_index
from kit.bundles import color_bundle
from kit.reviewing import unsure_library, waiting_library

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from classifier.catalog.connection import Catalog

KINDS = ("chibi", "page")
OWN = ImageId("0" * 64)


def picture(number: int) -> ImageId:
    return ImageId(f"{number:064x}")


def taught(
    *turns: float, groups: tuple[int, ...] | None = None, targets: tuple[int, ...] | None = None
) -> LabeledIndex:
    """A labeled picture for each turn away from the picture that is asked about, in degrees."""
    angles = np.radians(turns)
    count = len(turns)
    labeled = LabeledEmbeddings(
        embeddings=np.stack([3 * np.cos(angles), 3 * np.sin(angles)], axis=1).astype(np.float32),
        targets=np.array(targets or (0,) * count, dtype=np.int64),
        groups=np.array(groups or range(count), dtype=np.int64),
        image_ids=tuple(picture(number + 1) for number in range(count)),
        paths=("",) * count,
        selections=(Selection.PERSON,) * count,
    )
    return LabeledIndex(backbone="b", categories=KINDS, labeled=labeled, directions=l2_normalize(labeled.embeddings))


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    library, _ = waiting_library(tmp_path, [])
    with open_catalog(library) as catalog:
        yield catalog


def told(of: LabeledIndex, catalog: Catalog, own: ImageId = OWN) -> list[tuple[int, str]]:
    """Number and category of each that is nearest to what lies in direction 0."""
    found = of.nearest(catalog, own, np.array([7, 0], dtype=np.float32))
    return [(int(one.image_id, 16), one.category) for one in found]


def said(catalog: Catalog, number: int, said: AnnotationKind, category: str | None) -> None:
    verdict = Annotation(image_id=picture(number), kind=said, category=category, origin="review", at="2026-11-24")
    annotation_log.add(catalog, verdict)


def test_the_three_nearest_labels_come_with_their_cosine(catalog: Catalog) -> None:
    of = taught(90, 60, 0, 25, 180, targets=(0, 1, 0, 1, 0))

    assert [(3, "chibi"), (4, "page"), (2, "page")] == told(of, catalog)
    cosines = [one.cosine for one in of.nearest(catalog, OWN, np.array([7, 0], dtype=np.float32))]
    assert pytest.approx([1, 0.906, 0.5], abs=1e-3) == cosines


def test_near_duplicates_count_once_and_the_image_itself_not_at_all(catalog: Catalog) -> None:
    of = taught(1, 2, 3, 4, 5, groups=(0, 1, 1, 1, 2))

    assert [(1, "chibi"), (2, "chibi"), (5, "chibi")] == told(of, catalog)
    assert [(2, "chibi"), (5, "chibi")] == told(of, catalog, own=picture(1))


def test_a_later_answer_overrides_the_label(catalog: Catalog) -> None:
    said(catalog, 1, AnnotationKind.RIGHT, "page")
    said(catalog, 2, AnnotationKind.WRONG, "chibi")
    said(catalog, 3, AnnotationKind.NONE, None)
    said(catalog, 4, AnnotationKind.WRONG, "page")

    assert [(1, "page"), (4, "chibi"), (5, "chibi")] == told(taught(1, 2, 3, 4, 5), catalog)


def test_a_category_has_its_present_name(catalog: Catalog) -> None:
    categories.rename(catalog, "chibi", "small ones", at="2026-11-24", step=1)

    assert [(1, "small ones")] == told(taught(1), catalog)


def compared(of: LabeledIndex, catalog: Catalog, number: int, *doubted: int) -> list[list[int]]:
    """Numbers of the nearest of each category to a labeled picture, in the order of the categories."""
    found = of.nearest_of(catalog, picture(number), KINDS, doubted={picture(one) for one in doubted})
    return [[int(one.image_id, 16) for one in found[kind]] for kind in KINDS]


def test_a_labeled_image_is_compared_with_the_nearest_of_each_category(catalog: Catalog) -> None:
    of = taught(50, 10, 20, 30, 80, 90, 85, 99, targets=(0, 0, 0, 0, 1, 1, 0, 1))

    assert [[4, 3, 7], [5, 6, 8]] == compared(of, catalog, 1)
    assert [[], []] == compared(of, catalog, 77)


def test_a_near_duplicate_under_another_label_is_compared_and_counts_once(catalog: Catalog) -> None:
    of = taught(0, 1, 2, 3, 9, groups=(0, 0, 0, 0, 1), targets=(0, 1, 1, 0, 1))

    assert [[4], [2, 5]] == compared(of, catalog, 1)


def test_a_doubtful_label_shows_nothing_until_it_is_confirmed(catalog: Catalog) -> None:
    of = taught(0, 1, 2, 3, targets=(0, 1, 1, 0))

    assert [[], [3]] == compared(of, catalog, 1, 1, 2, 4)
    said(catalog, 2, AnnotationKind.RIGHT, "chibi")
    assert [[2], [3]] == compared(of, catalog, 1, 1, 2, 4)


def test_embeddings_of_another_width_have_no_neighbors(catalog: Catalog) -> None:
    assert [] == taught(1).nearest(catalog, OWN, np.ones(3, dtype=np.float32))
    assert [] == replace(taught(1), labeled=None).nearest(catalog, OWN, np.ones(2, dtype=np.float32))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A bundle with labels, by which a library was sorted."""
    bundle = color_bundle(tmp_path / "model", labeled=True).folder
    unsure_library(tmp_path, bundle, 1)
    return bundle


def reread(bundle: Path) -> LabeledIndex | None:
    with open_catalog(bundle.with_name("sorted")) as catalog:
        return load_labeled_index(catalog)


def test_the_labels_of_the_last_bundle_are_the_neighbors(own: Path) -> None:
    found = reread(own)

    assert found is not None
    assert found.labeled is not None
    assert (120, ("blue", "green", "red")) == (len(found.labeled), found.categories)


def test_labels_of_another_bundle_are_no_neighbors(own: Path) -> None:
    zeros = np.zeros(1, dtype=np.int64)
    foreign = LabeledEmbeddings(
        embeddings=np.ones((1, 4), dtype=np.float32),
        targets=zeros,
        groups=zeros,
        image_ids=(OWN,),
        paths=("/etc/passwd",),
        selections=(Selection.PERSON,),
    )
    foreign.save(own / EMBEDDINGS)

    found = reread(own)
    assert found is not None
    assert None is found.labeled


@pytest.mark.parametrize("content", [None, b"", b"no archive"])
def test_without_labels_only_near_duplicates_are_known(own: Path, content: bytes | None) -> None:
    manifest = json.loads((own / MANIFEST).read_text(encoding="utf-8"))
    (own / MANIFEST).write_text(json.dumps(manifest | {"labelled_sha256": ""}), encoding="utf-8")
    (own / EMBEDDINGS).unlink()
    if content is not None:
        (own / EMBEDDINGS).write_bytes(content)

    found = reread(own)
    assert found is not None
    assert (None, True) == (found.labeled, bool(found.backbone))


def test_another_model_in_the_same_folder_gives_no_neighbors(own: Path) -> None:
    manifest = json.loads((own / MANIFEST).read_text(encoding="utf-8"))
    (own / MANIFEST).write_text(json.dumps(manifest | {"weights_sha256": "1" * 64}), encoding="utf-8")

    assert None is reread(own)


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"weights_sha256": 3}'])
def test_a_missing_or_damaged_bundle_gives_no_neighbors(own: Path, content: bytes) -> None:
    (own / MANIFEST).write_bytes(content)
    assert None is reread(own)
    shutil.rmtree(own)
    assert None is reread(own)
