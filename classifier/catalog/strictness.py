"""How confident a prediction must be for its image to be filed, from the request to what a run records."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from classifier.errors import Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from classifier.catalog.connection import Catalog

STRICTNESS_KEYS: Final = frozenset({"threshold", "max_error", "promise", "no_guarantee"})
"""Where the settings of a sort hold it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strictness:
    """A threshold, or an error rate (`max_error`) to keep; with both, the threshold was chosen for the rate.

    `guaranteed` is True if the rate is guaranteed (each category then has its own threshold, in the run's promise),
    None if none was requested or nothing was sorted by it yet; `why` is the code of NoGuarantee if it is not.
    `sentence` says what the guarantee rests on, or why there is none. `asked` is the rate that was asked for where
    `max_error` is the least that could be guaranteed in its place, because a person said that it may be.
    """

    threshold: float | None = None
    max_error: float | None = None
    guaranteed: bool | None = None
    why: str = ""
    sentence: Message | None = None
    asked: float | None = None

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Strictness:
        """From the recorded settings of a run, of every version; empty if they have none."""
        kept = settings.get("sort", {})
        promise = kept.get("promise")
        outcome = promise or kept.get("no_guarantee") or {}
        max_error = kept.get("max_error", outcome.get("max_error"))
        return cls(
            threshold=None if promise else kept.get("threshold"),
            max_error=max_error,
            guaranteed=bool(promise) if outcome or max_error is not None else None,
            why=outcome.get("why", ""),
            sentence=_recorded_sentence(outcome),
            asked=outcome.get("asked"),
        )

    @property
    def requested(self) -> Strictness:
        """The part of it that was requested."""
        threshold = self.threshold if self.max_error is None else None
        return Strictness(threshold=threshold, max_error=self.max_error, asked=self.asked)

    @property
    def option(self) -> str:
        """As an option of the command line; empty if nothing was requested."""
        if self.max_error is not None:
            return f"--max-error {self.max_error:g}"
        return "" if self.threshold is None else f"--threshold {self.threshold:g}"

    @property
    def promise(self) -> Message | None:
        """The guarantee for filed images and what it rests on; None without one."""
        if not self.guaranteed or self.sentence is None or self.asked is None:
            return self.sentence if self.guaranteed else None
        return Message(
            "{promise}; it is the least that could be guaranteed in place of the {asked:g}% asked for",
            promise=self.sentence,
            asked=self.asked * 100,
        )

    @property
    def no_guarantee(self) -> Message | None:
        """Why the requested error rate could not be guaranteed; None if it could, or none was requested."""
        if self.guaranteed is not False:
            return None
        why = self.sentence or Message("no guarantee")
        if self.max_error is None:
            return why
        return Message("at most {rate:g}% wrong asked, an estimate, {why}", rate=self.max_error * 100, why=why)

    @property
    def outcome(self) -> dict[str, Message]:
        """Either `promise` or `no_guarantee`, by name; empty if neither applies."""
        both = {"promise": self.promise, "no_guarantee": self.no_guarantee}
        return {name: sentence for name, sentence in both.items() if sentence is not None}


def last_promise(catalog: Catalog) -> dict[str, Any]:
    """The parts of the risk guarantee of the last run, reviews and previews apart; empty when it had none."""
    row = catalog.connection.execute(
        "SELECT json_extract(settings, '$.sort.promise') FROM runs WHERE kind NOT IN ('review', 'preview') "
        "ORDER BY id DESC LIMIT 1"
    ).fetchone()
    return dict(json.loads(row[0])) if row and row[0] else {}


def _recorded_sentence(outcome: Mapping[str, Any]) -> Message | None:
    """Earlier versions recorded only the English, which also stands for parts that are no message of ours."""
    with suppress(LookupError, TypeError, ValueError, AttributeError):
        return Message.from_dict(outcome["message"])
    return Message(outcome["sentence"]) if "sentence" in outcome else None
