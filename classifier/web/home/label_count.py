"""Counts the labels of a project in a thread: once for each change of their folders, not for each look at the page.

A change is seen by the times of the labels folder and of the category folders in it, one deeper only after a while.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import IllsortError, Message, message_of
from classifier.labels.load import read_labels
from classifier.labels.nested_folders import nested_folders
from classifier.paths import displayable
from classifier.records import time_of
from classifier.web.responses import in_both_languages

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.settings import LabelSettings

_MOST_S: Final = 60.0
_WAIT_S: Final = 1.0
"""So long an answer waits for a count; then it is the last one."""
_VALID_S: Final = 30.0
_TIMES_AS_LONG: Final = 20
"""A count is valid for that time, or for so many times as long as it took."""
_COARSE_S: Final = 3.0
"""A folder that changed within this time may change again at the same time of its disk."""

NO_LABELS: Final = {"count": 0, "categories": {}}
Stamps = tuple[tuple[str, int, int], ...]


def count_labels(labels: LabelSettings, *, most_seconds: float = _MOST_S, stop: threading.Event) -> dict[str, Any]:
    """How many labels each category has; `trouble` says why these cannot be trained on yet, or that there are more."""
    csv_file, folder = labels.csv, labels.folder
    if csv_file is None and folder is not None and not folder.exists():
        return NO_LABELS  # that is how a project begins
    end = time.monotonic() + most_seconds if csv_file is None else float("inf")

    def is_over() -> bool:
        return stop.is_set() or time.monotonic() > end

    try:
        found = read_labels(folder=folder, csv_file=csv_file, depth=labels.depth, is_stopped=is_over)
    except (IllsortError, OSError) as error:
        why = _not_all(0, most_seconds) if time.monotonic() > end else message_of(error)
        return NO_LABELS | in_both_languages("trouble", why)
    counts = Counter(displayable(label.category) for label in found)
    more = in_both_languages("trouble", _not_all(len(found), most_seconds)) if time.monotonic() > end else {}
    nested = None if folder is None or csv_file is not None else nested_folders(found, folder, depth=labels.depth)
    hint = {} if nested is None else in_both_languages("nested", nested.hint)
    return {"count": len(found), "categories": dict(counts.most_common())} | more | hint


def _not_all(count: int, seconds: float) -> Message:
    """What is said of a folder that takes too long to be read."""
    return Message(
        "labels found within {seconds:.0f} s: {count:,}; what may be left of the folder is not counted here",
        count=count,
        seconds=seconds,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Count:
    facts: dict[str, Any]
    stamps: Stamps
    valid_until: float


@dataclass(slots=True)
class _Reading:
    """The labels of one project, as they are counted again and again."""

    labels: LabelSettings
    last: _Count | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    is_running: bool = False

    def run(self) -> None:
        try:
            stamps, began = stamps_of(self.labels), time.monotonic()
            last = self.last
            if last is None or last.stamps != stamps or began > last.valid_until:
                facts = count_labels(self.labels, stop=self.stop)
                took = time.monotonic() - began
                is_fresh = any(abs(time.time() - changed / 1e9) < _COARSE_S + took for _, changed, _ in stamps)
                valid = 0.0 if is_fresh and took < _WAIT_S else max(_VALID_S, _TIMES_AS_LONG * took)
                self.last = _Count(facts=facts, stamps=stamps, valid_until=began + took + valid)
        finally:
            self.is_running = False
            self.done.set()


class LabelCounter:
    """The count of the project's labels."""

    def __init__(self) -> None:
        self._reading: _Reading | None = None
        self._lock = threading.Lock()
        """Several requests may ask at a time."""

    def facts(self, labels: LabelSettings) -> dict[str, Any]:
        """The labels as they are, or, with `counting`, as they were when they were counted last."""
        with self._lock:
            reading = self._reading
            if reading is None or reading.labels != labels:
                self.stop()
                reading = self._reading = _Reading(labels)
            if not reading.is_running:
                reading.is_running = True
                reading.done.clear()
                threading.Thread(target=reading.run, name="labels", daemon=True).start()
        is_done = reading.done.wait(_WAIT_S)
        facts = NO_LABELS if reading.last is None else reading.last.facts
        return dict(facts) if is_done else facts | {"counting": True}

    def stop(self) -> None:
        """End the thread soon."""
        if self._reading is not None:
            self._reading.stop.set()


def stamps_of(labels: LabelSettings) -> Stamps:
    """Name, time and size of the CSV file, or of the labels folder and each folder in it; `-1` of what is not there."""
    found = [_stamp(str(path), path) for path in (labels.csv, labels.folder) if path is not None]
    try:
        if labels.csv is None and labels.folder is not None:
            with os.scandir(labels.folder) as entries:
                found += [_stamp(entry.name, entry) for entry in entries if entry.is_dir()]
    except OSError:
        pass
    return tuple(sorted(found))


def _stamp(name: str, of: Path | os.DirEntry[str]) -> tuple[str, int, int]:
    try:
        status = of.stat()
    except OSError:
        return name, 0, -1
    return name, time_of(status), status.st_size
