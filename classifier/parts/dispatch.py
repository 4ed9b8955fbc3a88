"""Hands parts out to workers that may die, whatever runs them: processes of this machine, or Ray on many.

It ends in any case. A part is tried three times, wherever; a worker that dies is replaced; and where workers die before
they are ready, or none becomes ready, or parts fail one after the other, what is left is given up and listed. As parts
fail one after the other the pauses before the next grow, so that a store that is away for a minute or two ends nothing.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from classifier.errors import IllsortError, Message
from classifier.parts.shown import Shown
from classifier.parts.workers import Advanced, Answered, Failed, Lost, Ready, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from classifier.parts.predictor import PartReport
    from classifier.parts.workers import Event, Workers
    from classifier.progress import Stage

MOST_TRIES: Final = 3
_LEAST_STARTS_LOST: Final = 10
_LEAST_FAILED: Final = 20
_FOR_EACH_WORKER: Final = 3
"""One outage meets each worker, once or twice."""
_LONGEST_PAUSE_S: Final = 30.0
_POLL_S: Final = 0.5


@dataclass(frozen=True, slots=True)
class PartFailure:
    """A part without answers, and why the last try failed."""

    number: int
    why: Message


@dataclass(slots=True)
class Outcome:
    """What became of the parts."""

    done: list[PartReport] = field(default_factory=list)
    failed: list[PartFailure] = field(default_factory=list)


def most_failed(workers: int) -> int:
    """How many tries may fail one after the other, of whatever parts: beyond, it is not the parts."""
    return max(_LEAST_FAILED, _FOR_EACH_WORKER * workers)


def pause_s(failed: int) -> float:
    """How long to wait before the next part once so many tries have failed one after the other."""
    return float(min(_LONGEST_PAUSE_S, 2.0 ** min(failed - 1, 10)))


def dispatch(
    parts: Sequence[int],
    workers: Workers,
    stage: Stage,
    *,
    say: Callable[[Message], None],
    clock: Callable[[], float] = time.monotonic,
) -> Outcome:
    """Have the workers do the parts. Raises IllsortError in one line where none of them could do any."""
    return _Dispatch(parts, workers, Shown(stage, parts=len(parts)), say, clock).run()


class _Dispatch:
    def __init__(
        self,
        parts: Sequence[int],
        workers: Workers,
        shown: Shown,
        say: Callable[[Message], None],
        clock: Callable[[], float],
    ) -> None:
        self._pending = deque(parts)
        self._workers = workers
        self._shown = shown
        self._say = say
        self._clock = clock
        self._outcome = Outcome()
        self._tries: Counter[int] = Counter()
        self._starting: set[int] = set()
        self._idle: deque[int] = deque()
        self._busy: dict[int, int] = {}
        self._seen: dict[int, float] = {}
        self._lost_starts = self._failed_tries = 0
        self._last_why = Message("no worker became ready in time")
        self._ready_at = self._rests_until = clock()
        self._was_ready = False

    def run(self) -> Outcome:
        while self._pending or self._busy:
            self._start_missing()
            for event in self._workers.events(_POLL_S):
                self._handle(event)
            self._hand_out()
            self._stop_stalled()
            if self._is_hopeless():
                self._give_up()
        return self._outcome

    def _start_missing(self) -> None:
        """Of workers that die as they start no more are started until one of the others has done a part."""
        if self._are_starts_lost():
            return
        wanted = min(self._workers.most, len(self._pending) + len(self._busy))
        while len(self._starting) + len(self._idle) + len(self._busy) < wanted:
            self._starting.add(self._workers.start())

    def _handle(self, event: Event) -> None:
        match event:
            case Ready(worker):
                self._starting.discard(worker)
                self._idle.append(worker)
                self._was_ready = True
                self._ready_at = self._clock()
            case Advanced(worker, pictures):
                self._seen[worker] = self._clock()
                self._shown.advance(worker, pictures)
            case Answered(worker, report):
                self._busy.pop(worker)
                self._idle.append(worker)
                self._outcome.done.append(report)
                self._failed_tries = self._lost_starts = 0
                self._rests_until = self._clock()
                self._shown.end(worker, report.pictures)
            case Failed(worker, why):
                self._try_again(worker, why)
                self._idle.append(worker)
            case Lost(worker, why):
                self._lose(worker, why)
            case Refused(worker, why):
                self._refuse(worker, why)

    def _hand_out(self) -> None:
        """Give those that wait a part each, unless there is a pause; stop them where there is none left."""
        while self._idle and not self._pending:
            self._workers.stop(self._idle.popleft())
        if self._clock() >= self._rests_until:
            while self._idle and self._pending:
                self._give(self._idle.popleft(), self._pending.popleft())

    def _give(self, worker: int, part: int) -> None:
        self._busy[worker] = part
        self._tries[part] += 1
        self._seen[worker] = self._ready_at = self._clock()
        self._workers.give(worker, part)

    def _refuse(self, worker: int, why: Message) -> None:
        """Where another could, its machine is at fault: it counts as one that died as it started."""
        if not self._was_ready:
            raise IllsortError(why)
        self._workers.stop(worker)
        self._lose(worker, why)

    def _lose(self, worker: int, why: Message) -> None:
        if worker in self._busy:
            self._try_again(worker, why)
        elif worker in self._starting or worker in self._idle:
            self._starting.discard(worker)
            if worker in self._idle:
                self._idle.remove(worker)
            self._lost_starts += 1
            self._last_why = why

    def _try_again(self, worker: int, why: Message) -> None:
        part = self._busy.pop(worker)
        self._failed_tries += 1
        self._rests_until = self._clock() + pause_s(self._failed_tries)
        self._last_why = why
        if self._tries[part] < MOST_TRIES:
            self._say(Message("part {number} is tried again: {why}", number=part, why=why))
            self._pending.append(part)
            self._shown.again(worker)
        else:
            self._outcome.failed.append(PartFailure(part, why))
            self._shown.end(worker, 0)

    def _stop_stalled(self) -> None:
        for worker in list(self._busy):
            if self._clock() - self._seen[worker] > self._workers.stalled_s:
                self._workers.stop(worker)
                self._lose(
                    worker,
                    Message("no picture was done in {minutes} minutes", minutes=_minutes(self._workers.stalled_s)),
                )

    def _are_starts_lost(self) -> bool:
        return self._lost_starts > max(_LEAST_STARTS_LOST, _FOR_EACH_WORKER * self._workers.most)

    def _is_hopeless(self) -> bool:
        if self._failed_tries > most_failed(self._workers.most):
            return True
        is_anyone_there = bool(self._busy or self._idle)
        waited = self._clock() - self._ready_at
        return not is_anyone_there and (self._are_starts_lost() or waited > self._workers.start_s)

    def _give_up(self) -> None:
        """List what is left; what is being done is lost with its workers."""
        left = [*self._busy.values(), *self._pending]
        self._outcome.failed += [PartFailure(part, self._last_why) for part in sorted(left)]
        for worker in [*self._busy, *self._idle]:
            self._workers.stop(worker)
        self._idle.clear()
        self._busy.clear()
        self._pending.clear()


def _minutes(seconds: float) -> int:
    return round(seconds / 60)
