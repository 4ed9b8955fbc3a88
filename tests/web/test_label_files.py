"""A labeled picture is found by what the model's folder says, and only while the file is that picture."""

from __future__ import annotations

import os
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from classifier.images.hashing import hash_bytes
from classifier.model.bundle_files import EMBEDDINGS
from classifier.model.labeled_embeddings import LabeledEmbeddings
from classifier.records import ImageId, Selection
from classifier.web.label_files import LabelFiles
from kit.bundles import color_bundle
from kit.reviewing import blended, served, unsure_library

if TYPE_CHECKING:
    from pathlib import Path

GONE = ImageId("0" * 64)


def labeled(bundle: Path, *paths: str, pictures: tuple[ImageId, ...]) -> LabelFiles:
    """What is found when the folder `bundle` says that pictures lie at these paths."""
    zeros = np.zeros(len(pictures), dtype=np.int64)
    embeddings = np.zeros((len(pictures), 2), dtype=np.float32)
    written = LabeledEmbeddings(
        embeddings=embeddings,
        targets=zeros,
        groups=zeros,
        image_ids=pictures,
        paths=paths,
        selections=(Selection.PERSON,) * len(pictures),
    )
    bundle.mkdir(exist_ok=True)
    written.save(bundle / EMBEDDINGS)
    return LabelFiles(lambda: bundle)


def test_a_file_is_found_by_the_id_of_its_content(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"one")
    files = labeled(tmp_path / "m", path.as_posix(), "", pictures=(hash_bytes(b"one"), GONE))

    assert path == files.path_of(hash_bytes(b"one"))
    assert None is files.path_of(GONE)
    assert None is files.path_of(hash_bytes(b"never labelled"))


def test_a_file_that_holds_another_picture_is_not_found(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"another")
    files = labeled(tmp_path / "m", secret.as_posix(), pictures=(GONE,))

    assert None is files.path_of(GONE)


def test_a_found_file_is_checked_again_when_it_changes_or_is_gone(tmp_path: Path) -> None:
    path, picture = tmp_path / "a.png", hash_bytes(b"one")
    path.write_bytes(b"one")
    files = labeled(tmp_path / "m", path.as_posix(), pictures=(picture,))
    assert path == files.path_of(picture)

    path.write_bytes(b"two")
    os.utime(path, (1, 1))
    assert None is files.path_of(picture)
    path.unlink()
    assert None is files.path_of(picture)


def test_a_folder_or_a_pipe_is_no_image(tmp_path: Path) -> None:
    files = labeled(tmp_path / "m", tmp_path.as_posix(), pictures=(GONE,))

    assert None is files.path_of(GONE)


def test_a_model_trained_anew_brings_its_own_paths(tmp_path: Path) -> None:
    picture = hash_bytes(b"one")
    (tmp_path / "a.png").write_bytes(b"one")
    files = labeled(tmp_path / "m", "", pictures=(picture,))
    assert None is files.path_of(picture)

    labeled(tmp_path / "m", (tmp_path / "a.png").as_posix(), pictures=(picture,))
    assert tmp_path / "a.png" == files.path_of(picture)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_without_a_list_of_labels_nothing_is_found(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / EMBEDDINGS).write_bytes(content)

    assert None is LabelFiles(lambda: tmp_path).path_of(GONE)
    assert None is LabelFiles(lambda: None).path_of(GONE)


def test_the_page_shows_a_labeled_image_that_was_never_in_the_crawl(tmp_path: Path) -> None:
    own = color_bundle(tmp_path / "model").folder
    library = unsure_library(tmp_path, own, 2)
    label = tmp_path / "label.png"
    label.write_bytes(blended(50))
    files = (label.as_posix(), (library / ".illsort" / "catalog.db").as_posix())
    labeled(own, *files, pictures=(hash_bytes(label.read_bytes()), GONE))
    with served(library) as client:
        shown = client.get(f"/picture/{hash_bytes(label.read_bytes())}/small")

        assert (320, 240) == Image.open(BytesIO(shown.content)).size
        assert shown.content != label.read_bytes()
        assert 404 == client.get(f"/picture/{GONE}/small").status_code
