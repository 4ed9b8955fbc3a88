"""What a person, their commands and a kill do to a library, one step after the other; and what is true after each."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import traceback
from collections import Counter
from dataclasses import astuple, dataclass, field
from functools import partial, partialmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifier.catalog.categories import read_aliases
from classifier.catalog.connection import read_catalog
from classifier.catalog.places import all_places
from classifier.catalog.stats import library_stats
from classifier.filing.fsops import Disk
from classifier.filing.reconcile import open_library, reconcile_if_free
from classifier.filing.settle_changes import Answer, settle_changes
from classifier.filing.undo import undo
from classifier.progress import SilentProgress
from classifier.records import Duplicates, Method
from classifier.settings import Settings
from classifier.web.app import prepare
from classifier.web.pending_moves import file_decided
from kit.by_hand import ByHand
from kit.filing import image_id_of
from kit.reviewing import served
from kit.sorting import sort

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.catalog.stats import LibraryStats
    from classifier.filing.results import Outcome

PICTURES = 6


@dataclass(kw_only=True)
class Stage(ByHand):
    """A crawl and its library, sorted once; `known` are the pictures that the crawl ever held."""

    named: dict[str, str] = field(default_factory=dict)
    """The names that a person gave to pictures, by content, as long as no undo took them."""
    pending: dict[str, str] = field(default_factory=dict)
    """The folders that answers on the page will put pictures into, by content."""
    answered: dict[str, str] = field(default_factory=dict)
    """The folders that they have put pictures into, as long as nothing took them back."""
    """Whether anything was ever answered or learned."""
    model: int = 0
    """How many times a model was trained anew."""
    is_crawl_renamed: bool = False
    duplicates: Duplicates = Duplicates.KEEP
    folders: list[str] = field(
        default_factory=lambda: ["kind_a", "kind_b", "mine", "_review", "_unknown", "_duplicates"]
    )

    def __post_init__(self) -> None:
        self.crawl = self.folder / "crawl"
        self.crawl.mkdir()
        for number in range(PICTURES):
            (self.crawl / f"{number}.jpg").write_bytes(b"ab"[number % 2 : number % 2 + 1] + bytes([number]) * 9)
        self.sort()

    def places(self) -> dict[str, set[str]]:
        """By the disk: the folders of the library in which each picture of the crawl lies."""
        found: dict[str, set[str]] = {}
        for path in self.files():
            if path.is_file() and (image_id := image_id_of(path.read_bytes())) in self.known:
                found.setdefault(image_id, set()).add(path.relative_to(self.library).parts[0])
        return found

    def move(self, path: Path) -> None:
        """To another folder and name."""
        folder = self.library / self.folders[self.written % len(self.folders)]
        folder.mkdir(exist_ok=True)
        self.written += 1
        target = path.rename(folder / f"moved {self.written}.jpg")
        if target.is_file():
            content = image_id_of(target.read_bytes())
            if self.method is not Method.SYMLINK:  # of a link whose original was changed, another is made
                self.named[content] = target.name
            if folder != path.parent:
                self.put(content, self.moved, folder.name)

    def put(self, content: str, how: dict[str, str], folder: str) -> None:
        """Note what was done last to a picture."""
        for other in (self.moved, self.pending, self.answered):
            other.pop(content, None)
        how[content] = folder

    def rename_folder(self, path: Path) -> None:
        """To a name that was not there."""
        folder = self.library / path.relative_to(self.library).parts[0]
        if folder.name[0] != "_":
            self.written += 1
            renamed = folder.rename(self.library / f"renamed {self.written}")
            # A folder made anew under the old name of a category would be counted under the new one.
            self.folders = [renamed.name if name == folder.name else name for name in self.folders]
            for put in (self.moved, self.pending, self.answered):
                put |= {content: renamed.name for content, name in put.items() if name == folder.name}

    def rename_crawl(self, _: Path) -> None:
        """Every link is dangling then."""
        self.written += 1
        self.crawl, self.is_crawl_renamed = self.crawl.rename(self.folder / f"crawl{self.written}"), True
        if self.method is Method.SYMLINK:
            self.moved.clear()  # a link that leads nowhere is made anew where its picture belongs
            self.named.clear()

    def sort(self) -> None:
        """All can be filed."""
        self.known |= {image_id_of(path.read_bytes()) for path in self.crawl.iterdir()}
        assert [] == self._sort()
        if self.method is not Method.MOVE or not self.is_crawl_renamed:  # what left it under its old name waits
            self.answered |= self.pending
            self.pending.clear()

    def _sort(self) -> list[Outcome]:
        asked = partial(sort, method=self.method, batch=3, sidecars=False, threshold=0.6, model=self.model)
        return asked(self.library, self.crawl, duplicates=self.duplicates)

    def keep_copies(self) -> None:
        """File each copy by itself from now on, or not."""
        self.duplicates = Duplicates.KEEP if self.duplicates is not Duplicates.KEEP else Duplicates.FOLDER
        self.sort()

    def retrain(self) -> None:
        """A sort with a model that answers otherwise, and is not sure of all."""
        self.model += 1
        self.sort()

    def answer(self, number: int) -> None:
        """On the page, one picture that waits: it is of a category, or of none."""
        prepare(self.library)
        with served(self.library) as page:
            trays = [page.get("/api/queue", params={"tray": tray}).json()["pictures"] for tray in ("review", "unknown")]
            waiting = [one["picture"] for tray in trays for one in tray]
            names = [one["name"] for one in page.get("/api/state").json()["categories"]]
            if not waiting:
                return
            picture, category = waiting[number % len(waiting)], (names or [None])[number % max(1, len(names))]
            said = "none of these" if number % 5 == 0 or category is None else "right"
            answer = {"picture": picture, "said": said, "category": category if said == "right" else None}
            page.post("/api/say", json={"answers": [answer]}).raise_for_status()
            self.put(picture, self.pending, answer["category"] or "_unknown")

    def take_back(self) -> None:
        """The last answer on the page, and what it filed."""
        prepare(self.library)
        with served(self.library) as page:
            taken = page.post("/api/back", json={}).raise_for_status().json()["pictures"]
        for one in taken:
            self.pending.pop(one["picture"], None)
            self.answered.pop(one["picture"], None)
        self.file_answers()

    def file_answers(self) -> None:
        """As the page's button does; the second time there is nothing."""
        file_decided(self.library)
        assert file_decided(self.library) is None
        self.answered |= self.pending
        self.pending.clear()

    def kill(self, number: int) -> None:
        """A sort, one with another model, an undo or the filing of answers, before or after a change of the disk."""
        undoing, filing = partial(undo, self.library), partial(file_decided, self.library)
        commands: list[Callable[[], Any]] = [self._sort, self._sort, undoing, filing]
        self.model += number % len(commands) == 1
        run_killed(commands[number % len(commands)], at=number // len(commands))
        reconcile_if_free(self.library)
        with read_catalog(self.library) as catalog:
            self.known |= {place.image_id for place in all_places(catalog)}
        if number % len(commands) == 2:
            self.forget()

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
        self.forget()

    def forget(self) -> None:
        """An undo may have put anything back."""
        for put in (self.moved, self.pending, self.answered, self.named):
            put.clear()

    def check(self) -> None:
        """What is counted is what lies there; a picture in several folders is counted in one of them."""
        reconcile_if_free(self.library)
        stats, places = library_stats(self.library), self.places()
        with read_catalog(self.library) as catalog:  # an undo makes the folder of a category's old name again
            names = read_aliases(catalog)
        places = {content: {names.resolve(folder) for folder in folders} for content, folders in places.items()}
        waiting = {"_review": sum(stats.review.values()), "_unknown": stats.unknown}
        counted = Counter(stats.filed | waiting | {"_duplicates": stats.copies})
        surely = Counter(min(folders) for folders in places.values() if len(folders) == 1)
        possibly = Counter(folder for folders in places.values() for folder in folders)
        assert counted.total() == len(places)
        assert surely <= counted <= possibly
        for put, elsewhere in ((self.moved, set()), (self.answered, {"_duplicates"})):
            lie = {content: places.get(content, {folder}) for content, folder in put.items()}
            assert {} == {content: folder for content, folder in put.items() if not {folder, *elsewhere} & lie[content]}
        names_of: dict[str, set[str]] = {}
        for path in self.files():
            if path.is_file():
                names_of.setdefault(image_id_of(path.read_bytes()), set()).add(path.name)
        assert {} == {one: name for one, name in self.named.items() if name not in names_of.get(one, {name})}
        self.check_page(stats, places)

    def check_page(self, stats: LibraryStats, places: dict[str, set[str]]) -> None:
        """The page names the categories that are counted, and what waits there by number waits on the disk too."""
        with served(self.library) as page:
            state = page.get("/api/state").json()
            queue = {
                tray: [one["picture"] for one in page.get("/api/queue", params={"tray": tray}).json()["pictures"]]
                for tray in ("review", "unknown")
            }
        assert set(stats.filed) <= {one["name"] for one in state["categories"]}
        for tray, pictures in queue.items():
            assert len(pictures) == sum(state["waiting"].get(tray, {}).values())
            assert all(f"_{tray}" in places.get(picture, ()) for picture in pictures)
            assert not {*pictures} & {*self.answered, *self.pending}
        asked = sum(map(len, queue.values()))
        apart = astuple(stats.answers)
        assert sum(stats.review.values()) + stats.unknown == asked + sum(apart)
        assert state["skipped"] == stats.answers.skipped


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
ON_THE_PAGE = ["answer", "take_back", "file_answers"]
COMMANDS = ["status", "sort", "retrain", "keep_copies", "learn", "leave", "verify", "undo", "kill", *ON_THE_PAGE]


def play(method: Method, steps: list[tuple[str, int]], duplicates: Duplicates = Duplicates.KEEP) -> None:
    """Do all of it, and check after each command."""
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(folder=Path(folder), method=method, duplicates=duplicates)
        for name, number in [*steps, ("sort", 0), ("verify", 0), ("undo", 0)]:
            if name in COMMANDS:
                before = stage.contents()
                command: Callable[..., None] = getattr(stage, name)
                command(*([number] if name in {"answer", "kill"} else []))
                assert before <= stage.contents(), f"{name} lost something"
                if name != "undo":
                    stage.check()
            elif (path := stage.pick(number)) is not None:
                getattr(stage, name)(path)


_CHANGES = ("rename_exclusively", "link", "symlink", "remove", "make_folder", "remove_folder", "copy", "sync_folder")


def run_killed(command: Callable[[], Any], *, at: int) -> None:
    """Run a command in a child process that kills itself at the change of the disk with that number, if there is one.

    Even numbers kill before the change, odd ones after it. Raises RuntimeError where the command itself fails.
    """
    if sys.platform != "linux":  # a fork is safe there
        command()
        return
    if not (child := os.fork()):
        status = 1
        try:
            _kill_at(at)
            command()
            status = 0
        except BaseException:  # noqa: BLE001 - whatever it is, the parent says so
            traceback.print_exc()
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in {0, -signal.SIGKILL}:
        raise RuntimeError(f"the command ended with {status}")


def _kill_at(number: int) -> None:
    """Have this process kill itself there."""
    left = iter(range(number // 2))

    def counted(disk: Disk, change: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        is_there = next(left, None) is None
        if is_there and number % 2 == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = change(disk, *arguments, **options)
        if is_there:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    for name in _CHANGES:
        setattr(Disk, name, partialmethod(counted, getattr(Disk, name)))
