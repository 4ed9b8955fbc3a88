"""Does parts one after the other in this process, with the tries and pauses that `dispatch` has for several workers."""

from __future__ import annotations

import time
from collections import Counter, deque
from typing import TYPE_CHECKING

from classifier.errors import IllsortError, Message
from classifier.parts.dispatch import MOST_TRIES, Outcome, PartFailure, most_failed, pause_s
from classifier.parts.shown import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from classifier.parts.predictor import PartReport
    from classifier.progress import Stage


def one_by_one(
    parts: Sequence[int],
    answer: Callable[[int, Callable[[int], None]], PartReport],
    stage: Stage,
    *,
    say: Callable[[Message], None],
    sleep: Callable[[float], object] = time.sleep,
) -> Outcome:
    """What became of the parts; `answer` does one, and tells how many more pictures are done.

    Where parts fail one after the other, what is left is given up and listed.
    """
    outcome, shown = Outcome(), Shown(stage, parts=len(parts))
    pending, tries, failed = deque(parts), Counter[int](), 0
    while pending:
        part = pending.popleft()
        tries[part] += 1
        try:
            report = answer(part, lambda count: shown.advance(0, count))
        except IllsortError as error:
            why, failed = error.message, failed + 1
        else:
            outcome.done.append(report)
            shown.end(0, report.pictures)
            failed = 0
            continue
        if failed > most_failed(1):
            outcome.failed += [PartFailure(number, why) for number in sorted([part, *pending])]
            break
        if tries[part] < MOST_TRIES:
            say(Message("part {number} is tried again: {why}", number=part, why=why))
            pending.append(part)
            shown.again(0)
        else:
            outcome.failed.append(PartFailure(part, why))
            shown.end(0, 0)
        if pending:
            sleep(pause_s(failed))
    return outcome
