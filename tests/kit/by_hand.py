"""What a person does in the file manager, and what becomes of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from classifier.filing.reconcile import open_library, reconcile_if_free
from classifier.filing.settle_changes import Answer, settle_changes
from classifier.filing.verify import verify
from classifier.labels.from_annotations import read_feedback
from classifier.progress import SilentProgress
from classifier.records import Method
from classifier.settings import Settings
from kit.filing import image_id_of

if TYPE_CHECKING:
    from classifier.filing.manual_changes import ManualChanges


def drag(library: Path, source: str, target: str) -> None:
    """Move a file or folder within the library, into a folder that may be new."""
    (library / target).parent.mkdir(parents=True, exist_ok=True)
    (library / source).rename(library / target)


def settle(library: Path, answer: Answer = Answer.LEARN) -> ManualChanges:
    """What a person did, and what they answer when asked about it."""
    with open_library(library, SilentProgress()) as catalog:
        return settle_changes(catalog, library, Settings(), ask=None, progress=SilentProgress(), answer=answer)


def pictures_in(library: Path) -> set[str]:
    """The files of the library but for its state."""
    return {
        path.relative_to(library).as_posix()
        for path in library.rglob("*")
        if path.is_file() and ".illsort" not in path.parts
    }


def labels_of(library: Path) -> dict[str, str]:
    """The category of each labeled file."""
    return {label.path.relative_to(library).as_posix(): label.category for label in read_feedback(library).labels}


@dataclass(kw_only=True)
class ByHand:
    """A crawl, its library, and what a person does to their files; `known` are the pictures the crawl ever held."""

    folder: Path
    method: Method
    crawl: Path = field(init=False)
    written: int = 0
    known: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    """Where a person put pictures, by content, as long as no undo took them."""

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

    def status(self) -> None:
        """As `illsort status`."""
        reconcile_if_free(self.library)

    def verify(self) -> None:
        """The second time nothing is off."""
        verify(self.library)
        assert [] == verify(self.library).off
