"""What a job reports while it works, written to its progress file at most four times a second, in both languages.

The file holds `stages`, the outer one first, and the last `messages`. A stage has its `name`, `unit`, `total` (or
null), `done`, `rate` (units a second, or null), `left` (seconds, or null) and `note` (or null).
"""

from __future__ import annotations

import threading
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from classifier.i18n import Language, translate
from classifier.own_files import write_own
from classifier.paths import displayable, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from classifier.errors import Message
    from classifier.progress import Stage

_EVERY_S: Final = 0.25
_WINDOW_S: Final = 30.0
"""The rate is that of so many seconds; of more, where less than two parts were done in them."""
_MESSAGES: Final = 8


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, strict=True)


class _Texts(_Part):
    en: str
    zh: str


_Amount = Annotated[float, Field(ge=0, le=1e15, allow_inf_nan=False)]
_Count = Annotated[int, Field(ge=0, le=10**15)]


class _Stage(_Part):
    name: _Texts
    unit: str
    total: _Count | None
    done: _Count
    rate: _Amount | None
    left: _Amount | None
    note: _Texts | None


class _Progress(_Part):
    stages: list[_Stage]
    messages: list[_Texts]


def checked_report(values: object) -> dict[str, Any]:
    """What a job has reported, as it was read from its file; empty where that is damaged."""
    try:
        return _Progress.model_validate(values).model_dump()
    except ValidationError:
        return {}


class JobReport:
    """A progress that writes to `path`, in a thread of its own, until it is closed."""

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._clock = clock
        self._stages: list[_ReportedStage] = []
        self._messages: deque[dict[str, str]] = deque(maxlen=_MESSAGES)
        self._written = ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write_on, name="job report", daemon=True)

    def start(self) -> JobReport:
        """Begin to write."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Write a last time, and end."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()
        self.write()

    def say(self, message: Message) -> None:
        """Keep one of the last messages."""
        self._messages.append(in_both(message))

    def detail(self, message: Message) -> None:
        """Left to the log."""

    @contextmanager
    def stage(self, name: Message, *, total: int | None, unit: str) -> Iterator[Stage]:
        """A stage, within those that are open."""
        stage = _ReportedStage(name, total=total, unit=unit, clock=self._clock)
        self._stages.append(stage)
        try:
            yield stage
        finally:
            self._stages.remove(stage)

    def write(self) -> None:
        """Write what changed; what the disk refuses is not shown, and the work goes on."""
        stages = [one.as_dict() for one in tuple(self._stages)]
        text = to_json({"stages": stages, "messages": list(self._messages)})
        if text != self._written:
            with suppress(OSError):
                write_own(self._path, text.encode(), durably=False)
                self._written = text

    def _write_on(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self.write()


class _ReportedStage:
    def __init__(self, name: Message, *, total: int | None, unit: str, clock: Callable[[], float]) -> None:
        self._name = in_both(name)
        self._total = total
        self._unit = unit
        self._clock = clock
        self._done = 0
        self._note: Message | None = None
        self._followed: Callable[[], Message | None] | None = None
        self._began = clock()
        self._samples: deque[tuple[float, int]] = deque([(self._began, 0)])

    def advance(self, count: int = 1) -> None:
        self._done += count

    def note(self, text: Message) -> None:
        self._note = text

    def follow(self, note: Callable[[], Message | None]) -> None:
        self._followed = note

    def as_dict(self) -> dict[str, Any]:
        """For JSON; takes a sample for the rate."""
        note = self._note if self._followed is None else self._followed()
        params = getattr(note, "params", {})
        rate = self._rate()
        left = params.get("seconds_left")
        if left is not None:  # of a whole command, as `progress.combined` knows it
            note = params["text"]
        elif rate and self._total is not None:
            left = (self._total - self._done) / rate
        return {
            "name": self._name,
            "unit": self._unit,
            "total": self._total,
            "done": self._done,
            "rate": rate if self._unit else None,
            "left": left,
            "note": None if note is None else in_both(note),
        }

    def _rate(self) -> float | None:
        now = self._clock()
        is_early = now - self._began < 2 * _EVERY_S  # what is done so soon was done by an earlier run
        is_first = self._done and self._samples[-1][1] == 0  # it took what the start takes as well
        if is_early or is_first:
            self._samples = deque([(now, self._done)])
        elif self._done != self._samples[-1][1]:
            self._samples.append((now, self._done))
        while len(self._samples) > 2 and self._samples[1][0] < now - _WINDOW_S:  # noqa: PLR2004 - one part at least
            self._samples.popleft()
        began, before = self._samples[0]
        return (self._done - before) / (now - began) if now > began and self._done > before else None


def in_both(message: str) -> dict[str, str]:
    """A message in both languages, for the page."""
    return {"en": displayable(message), "zh": displayable(translate(message, Language.CHINESE))}
