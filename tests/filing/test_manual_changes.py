"""Whatever a person does to a library between commands: what is counted is what lies there, and nothing is lost.

Hypothesis draws what is done: files deleted, moved, replaced, cut, touched, put in, folders renamed, originals removed,
the crawl renamed, and commands in between, those that learn from it among them. Counts are compared with the real disk
after each command, and what a person moved is still where they put it.
"""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from classifier.catalog.places import all_places
from classifier.catalog.stats import library_stats
from classifier.filing.reconcile import open_library, reconcile_if_free
from classifier.filing.settle_changes import Answer, settle_changes
from classifier.filing.undo import undo
from classifier.filing.verify import verify
from classifier.progress import SilentProgress
from classifier.records import Method
from classifier.settings import Settings
from kit.filing import image_id_of
from kit.sorting import MANIFEST, sort

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURES = 6
UNSURE = 3
REVIEW = "_review"
NESTED = MANIFEST.model_copy(update={"categories": ("kind/a", "kind/b")})


@dataclass(kw_only=True)
class Stage:
    """A crawl and its library, sorted once; `known` are the pictures that the crawl ever held."""

    folder: Path
    method: Method
    nested: bool = False
    """Whether the categories are in a common parent, of which alone some pictures are surely."""
    crawl: Path = field(init=False)
    written: int = 0
    known: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    """Where a person put pictures, by content, as long as no undo took them."""
    folders: list[str] = field(default_factory=lambda: ["kind_a", "kind_b", "mine"])

    def __post_init__(self) -> None:
        if self.nested:
            self.folders = ["kind/a", "kind/b", "kind/mine"]
        self.crawl = self.folder / "crawl"
        self.crawl.mkdir()
        for number in range(PICTURES):
            begins = b"a+b" if self.nested and number > UNSURE else b"ab"[number % 2 : number % 2 + 1]
            (self.crawl / f"{number}.jpg").write_bytes(begins + bytes([number]) * 9)
        self.sort()

    @property
    def library(self) -> Path:
        """Where it is sorted into."""
        return self.folder / "library"

    def files(self) -> list[Path]:
        """The names in the library, links too, wherever they lead."""
        return sorted(
            path
            for path in self.library.rglob("*")
            if ".illsort" not in path.parts and (path.is_symlink() or path.is_file())
        )

    def contents(self) -> set[str]:
        """Every content in library and crawl, which may have been renamed."""
        files = [path for path in self.folder.rglob("*") if ".illsort" not in path.parts and path.is_file()]
        return {image_id_of(path.read_bytes()) for path in files}

    def places(self) -> dict[str, set[str]]:
        """By the disk: the folders of categories, or REVIEW, in which each picture of the crawl lies."""
        found: dict[str, set[str]] = {}
        for path in self.files():
            if path.is_file() and (image_id := image_id_of(path.read_bytes())) in self.known:
                found.setdefault(image_id, set()).add(self.category_of(path))
        return found

    def category_of(self, path: Path) -> str:
        """By the folder of a file: the first, or two of nested ones; REVIEW where it waits."""
        parts = path.relative_to(self.library).parts[:-1]
        return REVIEW if REVIEW in parts else "/".join(parts[: 2 if self.nested else 1])

    def pick(self, number: int) -> Path | None:
        """One of the names in the library."""
        names = self.files()
        return names[number % len(names)] if names else None

    def fresh(self) -> bytes:
        """A content that was never there."""
        self.written += 1
        return f"a person's own {self.written}".encode()

    def delete(self, path: Path) -> None:
        """As a person does."""
        path.unlink()

    def move(self, path: Path) -> None:
        """To another folder and name."""
        folder = self.library / self.folders[self.written % 3]
        folder.mkdir(exist_ok=True, parents=True)
        self.written += 1
        target = path.rename(folder / f"moved {self.written}.jpg")
        if target.is_file():
            self.moved[image_id_of(target.read_bytes())] = self.category_of(target)

    def rename_folder(self, path: Path) -> None:
        """To a name that was not there: the category's, or of nested ones that of their parent."""
        parts = path.relative_to(self.library).parts[: 1 + (self.nested and self.written % 2)]
        if any(part[0] == "_" for part in parts):
            return
        self.written += 1
        old, new = "/".join(parts), "/".join([*parts[:-1], f"renamed {self.written}"])
        (self.library / old).rename(self.library / new)

        def now(name: str) -> str:
            return new + name.removeprefix(old) if f"{name}/".startswith(f"{old}/") else name

        # A folder made anew under the old name of a category would be counted under the new one.
        self.folders = [now(name) for name in self.folders]
        self.moved = {content: now(name) for content, name in self.moved.items()}

    def put_in(self, path: Path) -> None:
        """A real picture of the person's own, into a category."""
        if path.parent.name[0] != "_":
            self.written += 1
            Image.new("L", (self.written, 9)).save(path.parent / f"mine {self.written}.png")

    def replace(self, path: Path) -> None:
        """By a file of the person's own."""
        path.unlink()
        path.write_bytes(self.fresh())

    def cut(self, path: Path) -> None:
        """In place: through a link, the original too."""
        if path.is_file() and path.stat().st_size > 1:
            os.truncate(path, path.stat().st_size - 1)

    def touch(self, path: Path) -> None:
        """Another time, the same content."""
        self.written += 1
        os.utime(path, ns=(self.written, self.written), follow_symlinks=False)

    def remove_original(self, path: Path) -> None:
        """From the crawl."""
        original = self.crawl / path.name
        if original.is_file():
            original.unlink()

    def rename_crawl(self, _: Path) -> None:
        """Every link is dangling then."""
        self.written += 1
        self.crawl = self.crawl.rename(self.folder / f"crawl{self.written}")
        if self.method is Method.SYMLINK:
            self.moved.clear()  # a link that leads nowhere is made anew where its picture belongs

    def status(self) -> None:
        """As `illsort status`."""
        reconcile_if_free(self.library)

    def sort(self) -> None:
        """All can be filed."""
        self.known |= {image_id_of(path.read_bytes()) for path in self.crawl.iterdir()}
        kept = {"manifest": NESTED, "threshold": 0.9} if self.nested else {}
        assert [] == sort(self.library, self.crawl, method=self.method, batch=3, sidecars=False, **kept)

    def verify(self) -> None:
        """The second time nothing is off."""
        verify(self.library)
        assert [] == verify(self.library).off

    def learn(self) -> None:
        """From all that was done."""
        self.settle(Answer.LEARN)

    def leave(self) -> None:
        """All of it as it is."""
        self.settle(Answer.LEAVE)

    def settle(self, answer: Answer) -> None:
        """As `illsort sync`; the second time there is nothing."""
        with open_library(self.library, SilentProgress()) as catalog:
            for _ in range(2):
                changes = settle_changes(
                    catalog, self.library, Settings(), ask=None, progress=SilentProgress(), answer=answer
                )
            assert not changes.any
            self.known |= {place.image_id for place in all_places(catalog)}

    def undo(self) -> None:
        """The last run."""
        undo(self.library)
        self.moved.clear()

    def check(self) -> None:
        """What is counted is what lies there; a picture in several folders is counted in one of them."""
        reconcile_if_free(self.library)
        stats, places = library_stats(self.library), self.places()
        counted = Counter(stats.filed) + Counter({REVIEW: sum(stats.review.values())})
        surely = Counter(min(folders) for folders in places.values() if len(folders) == 1)
        possibly = Counter(folder for folders in places.values() for folder in folders)
        assert counted.total() == len(places)
        assert surely <= counted <= possibly
        assert all(folder in places.get(content, {folder}) for content, folder in self.moved.items())


BY_A_PERSON = [
    "delete",
    "move",
    "replace",
    "cut",
    "touch",
    "rename_folder",
    "put_in",
    "remove_original",
    "rename_crawl",
]
COMMANDS = ["status", "sort", "learn", "leave", "verify", "undo"]
STEPS = st.lists(st.tuples(st.sampled_from(BY_A_PERSON + COMMANDS), st.integers(0, 50)), max_size=9)


def play(method: Method, steps: list[tuple[str, int]], *, nested: bool = False) -> None:
    """Do all of it, and check after each command."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(folder=Path(folder), method=method, nested=nested)
        for name, number in [*steps, ("sort", 0), ("verify", 0), ("undo", 0)]:
            if name in COMMANDS:
                before = stage.contents()
                command: Callable[[], None] = getattr(stage, name)
                command()
                assert before <= stage.contents(), f"{name} lost something"
                if name != "undo":
                    stage.check()
            elif (path := stage.pick(number)) is not None:
                getattr(stage, name)(path)


@given(method=st.sampled_from([Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]), steps=STEPS)
@example(method=Method.SYMLINK, steps=[("cut", 0), ("replace", 0)])
@example(method=Method.SYMLINK, steps=[("cut", 0), ("move", 0), ("verify", 0)])
@example(method=Method.SYMLINK, steps=[("cut", 0), ("touch", 0), ("verify", 0)])
@example(method=Method.SYMLINK, steps=[("delete", 0), ("touch", 4), ("delete", 0), ("delete", 0), ("move", 20)])
@example(method=Method.LINK, steps=[*[("delete", 0)] * 3, *[("move", 0)] * 3, ("cut", 20)])
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_counts_match_the_disk_after_any_manual_change(method: Method, steps: list[tuple[str, int]]) -> None:
    play(method, steps)


@given(method=st.sampled_from([Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]), steps=STEPS)
@settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_counts_match_the_disk_with_nested_categories_too(method: Method, steps: list[tuple[str, int]]) -> None:
    play(method, steps, nested=True)


@pytest.mark.slow
@pytest.mark.parametrize("nested", [False, True])
@given(method=st.sampled_from([Method.LINK, Method.COPY, Method.MOVE, Method.SYMLINK]), steps=STEPS)
@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_same_in_a_thousand_more_ways(method: Method, steps: list[tuple[str, int]], *, nested: bool) -> None:
    play(method, steps, nested=nested)
