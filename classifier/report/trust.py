"""The trust section of a report: what the last sort guarantees, or why it does not, and what an audit found."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields
from typing import TYPE_CHECKING

from classifier.audit.estimate import AuditState
from classifier.audit.session import audit_guarantee, still_holds
from classifier.catalog import annotation_log, audits
from classifier.catalog.connection import read_catalog
from classifier.catalog.strictness import last_promise
from classifier.errors import Message
from classifier.local_time import local_date
from classifier.model.risk_control import RiskGuarantee
from classifier.progress import percent_up
from classifier.report.i18n import no_guarantee_reason, percent

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.audit.estimate import Bound
    from classifier.catalog.connection import Catalog
    from classifier.catalog.strictness import Strictness


def last_audit(library: Path) -> tuple[AuditState | None, bool]:
    """The last audit, None without answers; and whether the filing has not changed since."""
    with read_catalog(library) as catalog:
        audit = audits.last(catalog)
        if audit is None:
            return None, False
        state = AuditState(audit, annotation_log.of_audit(catalog, audit.id))
        return state if state.asked else None, still_holds(catalog, state)


def trust_messages(
    library: Path, strictness: Strictness, audit: AuditState | None, *, is_current: bool
) -> list[list[Message]]:
    """The messages of each paragraph; empty if nothing is guaranteed and nothing was requested.

    `strictness` is that of the last sort. Where the audit guarantees what the sort could not, that is not mentioned.
    """
    with read_catalog(library) as catalog:
        found = [_guarantee(catalog, strictness)]
        if strictness.no_guarantee is not None and audit_guarantee(catalog, library) is None:
            last = audits.last(catalog)
            found.append(_no_guarantee(strictness, is_elsewhere=last is not None and last.source is not None))
    if audit is not None:
        found.append(_audit(audit.bound(), at=audit.audit.at, is_current=is_current))
    return [messages for messages in found if messages]


def _guarantee(catalog: Catalog, strictness: Strictness) -> list[Message]:
    promise = strictness.promise
    if promise is None:
        return []
    if not promise.params:  # an earlier version recorded only the English sentence and its parts
        with suppress(LookupError, TypeError, ValueError):
            parts = last_promise(catalog)
            promise = RiskGuarantee(**{part.name: parts[part.name] for part in fields(RiskGuarantee)}).sentence
    return [Message("The last sort promised: {promise}.", promise=promise)]


def _no_guarantee(strictness: Strictness, *, is_elsewhere: bool) -> list[Message]:
    """`is_elsewhere` is whether the library's audit is of answers elsewhere: none of the library is drawn beside it."""
    rate = percent(strictness.max_error)
    return [
        Message("At most {rate} wrong asked, an estimate, no guarantee.", rate=rate),
        *([no_guarantee_reason(strictness.why)] if strictness.why else []),
        *([] if is_elsewhere else [Message("For a guarantee, run illsort audit.")]),
    ]


def _audit(bound: Bound, *, at: str, is_current: bool) -> list[Message]:
    looked_at = Message("{wrong} of {asked} looked at were wrong", wrong=bound.wrong, asked=bound.asked)
    if bound.skipped:
        looked_at = Message(
            "{looked_at} and {count} skipped, which count as wrong", looked_at=looked_at, count=bound.skipped
        )
    if bound.is_early:
        return [
            Message(
                "An audit of {date} is not finished: {looked_at}, too few to tell.",
                date=local_date(at),
                looked_at=looked_at,
            )
        ]
    number = [] if bound.number == 1 else [_number(bound)]
    if bound.source is not None:
        return [_found_elsewhere(bound, looked_at, at=at), *number]
    messages = [
        Message(
            "An audit of {date} found: at most {share} wrong, with 95% confidence. {looked_at}, drawn at random from "
            "{filed:,} filed.",
            date=local_date(at),
            share=percent_up(bound.at_most),
            looked_at=looked_at,
            filed=bound.filed,
        ),
        *number,
    ]
    if not is_current:
        messages.append(
            Message(
                "That audit is of an earlier sorting: pictures were filed or moved since, of which it says nothing. "
                "illsort audit draws another sample."
            )
        )
    return messages


def _found_elsewhere(bound: Bound, looked_at: Message, *, at: str) -> Message:
    return Message(
        "An audit of {date} found: at most {share} wrong, with 95% confidence, of the {filed:,} pictures filed by the "
        "answers at {source}. {looked_at}, drawn at random from these.",
        date=local_date(at),
        share=percent_up(bound.at_most),
        looked_at=looked_at,
        filed=bound.filed,
        source=bound.source,
    )


def _number(bound: Bound) -> Message:
    numbers = {"number": bound.number, "confidence": bound.confidence * 100}
    if bound.source is not None:
        return Message(
            "It is audit {number} of these decisions, so it is judged at {confidence:.4g}%: all of them together keep "
            "95%.",
            **numbers,
        )
    return Message(
        "It is audit {number} of the same sort, so it is judged at {confidence:.4g}%: all of them together keep 95%.",
        **numbers,
    )
