"""How far an audit until an error rate is shown has come, as a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.errors import Message
from classifier.progress import percent_up

if TYPE_CHECKING:
    from classifier.audit.estimate import AuditState


def progress_message(state: AuditState) -> Message:
    """How many are answered, and for an audit until a rate is shown whether it is, or how many more it takes."""
    audit, more = state.audit, state.left_at_this_rate
    if audit.until is None:
        return Message("{asked} of {drawn} are answered", asked=state.asked, drawn=len(audit.drawn))
    if not state.asked:
        return Message("no picture is judged yet")
    rate = percent_up(audit.until)
    if state.is_shown:
        return Message("shown: at most {rate}", rate=rate)
    if state.is_finished:
        return Message(
            "at most {rate} can no longer be shown by the {drawn:,} pictures drawn", rate=rate, drawn=len(audit.drawn)
        )
    if more is None:
        return Message("at this rate it will not be shown that at most {rate} are wrong", rate=rate)
    return Message("about {count:,} more at this rate until at most {rate} is shown", count=more, rate=rate)
