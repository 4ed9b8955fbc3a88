"""The pages of one post are known by their names and by gallery-dl's metadata, which anybody may have written."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.labels.near_duplicates import group_near_duplicates
from classifier.labels.posts import MOST_BYTES, post_of_metadata, post_of_name, read_posts
from classifier.labels.split import holdout_split
from classifier.settings import load
from classifier.training.pipeline import train_model
from kit.labels import example
from kit.pictures import COLORS, encoded, varied
from kit.progress import SavingProgress

TWEET = "1734567890123456789"
MD5 = "d41d8cd98f00b204e9800998ecf8427e"


@pytest.mark.parametrize(
    ("name", "post"),
    [
        ("123_p0.jpg", "123"),
        ("artist_123_p12_master1200.jpg", "artist_123"),
        (f"{TWEET}_1.jpg", TWEET),
        (f"someone_{TWEET}_4.png", f"someone_{TWEET}"),
        (f"someone-{TWEET}-20231209_101112-img2.jpg", f"someone-{TWEET}-20231209_101112"),
        (f"__saber_fate_drawn_by_someone__{MD5}.jpg", None),
        (f"__2b_p1_drawn_by_someone__{MD5}.jpg", None),
        (f"danbooru_123456_{MD5}.jpg", None),
        (f"sample-{MD5}.jpg", None),
        (f"{MD5}.png", None),
        ("IMG_20231209_1.jpg", None),
        ("12_1.jpg", None),
        ("123.jpg", None),
        ("map_p1.jpg", None),
        ("\uff11\uff12\uff13_p0.jpg", None),
    ],
)
def test_a_post_is_known_by_the_names_that_sites_give(name: str, post: str | None) -> None:
    assert post == post_of_name(PurePath(name))


@pytest.mark.parametrize(
    ("values", "post"),
    [
        ({"category": "pixiv", "id": 123, "num": 0}, "pixiv///123"),
        ({"category": "twitter", "tweet_id": 17, "num": 1, "user": {"id": 3}}, "twitter///17"),
        (
            {"category": "kemonoparty", "service": "fanbox", "user_id": "9", "id": "5", "num": 2},
            "kemonoparty/fanbox/9/5",
        ),
        ({"category": "imgur", "album": {"id": "aX"}, "id": "one", "num": 3}, "imgur///aX"),
        ({"category": "instagram", "post_id": "7", "media_id": "8", "num": 1}, "instagram///7"),
        ({"category": "exhentai", "gid": 5, "num": 3}, "exhentai///5"),
        ({"category": "danbooru", "id": 123}, None),  # of pages nothing is said
        ({"category": "pixiv", "id": True, "num": 0}, None),
        ({"category": "pixiv", "id": "x" * 5000, "num": 0}, None),
        ({"category": 5, "id": 1, "num": 0}, None),
        ({"id": 1, "num": 0}, None),
        ([1, 2], None),
        ("text", None),
        (None, None),
    ],
)
def test_a_post_is_known_by_gallery_dls_metadata(values: object, post: str | None) -> None:
    assert post == post_of_metadata(values)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "album", "num"]), inner),
    max_leaves=6,
)


@given(values=st.dictionaries(st.sampled_from(["category", "id", "num", "album", "tweet_id", "user_id"]), _JSON))
def test_no_metadata_is_an_error(values: dict[str, Any]) -> None:
    post = post_of_metadata(values)
    assert post is None or 0 < len(post) < 1000


def _picture(folder: Path, name: str, metadata: object = None, *, whole_name: bool = True) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(b"")
    if metadata is not None:
        beside = folder / (f"{name}.json" if whole_name else f"{Path(name).stem}.json")
        beside.write_bytes(metadata if isinstance(metadata, bytes) else json.dumps(metadata).encode())
    return folder / name


def test_metadata_beside_pictures_joins_what_names_do_not(tmp_path: Path) -> None:
    of = {"category": "kemono", "id": "5"}
    paths = [
        _picture(tmp_path / "a", "front.jpg", of | {"num": 1}),
        _picture(tmp_path / "b", "back.jpg", of | {"num": 2}, whole_name=False),
        _picture(tmp_path / "b", "9_p0.jpg", of | {"num": 3}),
        _picture(tmp_path / "c", "9_p1.jpg"),
        _picture(tmp_path / "c", "other.jpg", {"category": "kemono", "id": "6", "num": 1}),
        _picture(tmp_path / "c", "alone.jpg"),
    ]
    posts = read_posts(paths)
    examples = [example(path.name, "cat") for path in paths]

    assert 0 == posts.unreadable
    assert [0, 0, 0, 0, 1, 2] == group_near_duplicates(examples, posts=posts.of)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"category": "pixiv", "num": 0, "id": ' + b"9" * 5000 + b"}",
        b'{"category": "pixiv", "id": 1, "num": 0}' + b" " * MOST_BYTES,
    ],
    ids=["cut", "empty", "no text", "deep", "huge number", "long"],
)
def test_metadata_that_cannot_be_read_is_counted_and_harms_nothing(tmp_path: Path, content: bytes) -> None:
    posts = read_posts([_picture(tmp_path / "a", "1_p0.jpg", content), _picture(tmp_path / "a", "x.jpg")])

    assert (1, (("1",), ())) == (posts.unreadable, posts.of)


def test_a_folder_or_pipe_of_that_name_is_counted_and_not_read(tmp_path: Path) -> None:
    paths = [_picture(tmp_path / "a", "x.jpg"), tmp_path / "gone" / "y.jpg"]
    (tmp_path / "a" / "x.jpg.json").mkdir()

    assert (1, ((), ())) == (read_posts(paths).unreadable, read_posts(paths).of)


def test_training_holds_whole_posts_out_and_says_what_metadata_was_bad(tmp_path: Path) -> None:
    for category in ("blue", "red"):
        for number in range(12):
            folder = tmp_path / "labels" / category
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{number}.png").write_bytes(encoded(varied(COLORS[category], seed=number), "PNG"))
            page = {"category": "fanbox", "id": number // 4, "user_id": category, "num": number % 4}
            (folder / f"{number}.png.json").write_text(json.dumps(page))
    (tmp_path / "labels" / "red" / "0.png.json").write_text("{")
    progress = SavingProgress()
    overrides = [f"labels.folder={tmp_path / 'labels'}", f"model.folder={tmp_path / 'model'}", "train.recipe=head"]
    result = train_model(load(None, overrides), progress=progress)
    labeled = result.bundle.load_labeled_embeddings()

    assert labeled is not None
    assert any("1 .json file beside labeled pictures cannot be read" in line for line in progress.messages)
    posts: dict[int, set[tuple[str, int]]] = {}
    for path, group in zip(map(Path, labeled.paths), labeled.groups.tolist(), strict=True):
        posts.setdefault(group, set()).add((path.parent.name, int(path.stem) // 4))
    together = [post for posts_of_group in posts.values() for post in posts_of_group]
    assert 7 == len(posts)  # three of blue, three of red and the picture whose metadata is bad
    assert 1 == together.count(("blue", 0))


def test_no_post_is_on_both_sides_of_the_split(tmp_path: Path) -> None:
    paths = [
        _picture(tmp_path / "a", f"{number}.jpg", {"category": "x", "id": number // 3, "num": number % 3})
        for number in range(60)
    ]
    examples = [example(path.name, "ab"[number % 2]) for number, path in enumerate(paths)]
    groups = group_near_duplicates(examples, posts=read_posts(paths).of)
    split = holdout_split(examples, groups, validation_share=0.3, seed=0)
    sides = [{int(one.label.path.stem) // 3 for one in side} for side in (split.train, split.validation)]

    assert split.validation
    assert set() == sides[0] & sides[1]
