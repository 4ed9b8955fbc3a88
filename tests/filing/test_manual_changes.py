"""Whatever a person does to a library between commands: what is counted is what lies there, and nothing is lost.

Hypothesis draws what is done: files deleted, moved, replaced, cut, touched, put in, folders renamed, originals removed,
the crawl renamed, and commands in between, those that learn from it among them. Counts are compared with the real disk
after each command, and what a person moved is still where they put it.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from classifier.catalog.places import all_places
from classifier.catalog.stats import library_stats
from classifier.filing.reconcile import open_library, reconcile_if_free
from classifier.filing.settle_changes import Answer, settle_changes
from classifier.filing.undo import undo
from classifier.progress import SilentProgress
from classifier.records import Method
from classifier.settings import Settings
from kit.by_hand import ByHand
from kit.filing import image_id_of
from kit.sorting import MANIFEST, sort

if TYPE_CHECKING:
    from collections.abc import Callable

PICTURES = 6
UNSURE = 3
REVIEW = "_review"
NESTED = MANIFEST.model_copy(update={"categories": ("kind/a", "kind/b")})


@dataclass(kw_only=True)
class Stage(ByHand):
    """A crawl and its library, sorted once; `known` are the pictures that the crawl ever held."""

    nested: bool = False
    """Whether the categories are in a common parent, of which alone some pictures are surely."""
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

    def rename_crawl(self, _: Path) -> None:
        """Every link is dangling then."""
        self.written += 1
        self.crawl = self.crawl.rename(self.folder / f"crawl{self.written}")
        if self.method is Method.SYMLINK:
            self.moved.clear()  # a link that leads nowhere is made anew where its picture belongs

    def sort(self) -> None:
        """All can be filed."""
        self.known |= {image_id_of(path.read_bytes()) for path in self.crawl.iterdir()}
        kept = {"manifest": NESTED, "threshold": 0.9} if self.nested else {}
        assert [] == sort(self.library, self.crawl, method=self.method, batch=3, sidecars=False, **kept)

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
