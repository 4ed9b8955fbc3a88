"""What `illsort status` says of the last audit of a library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.errors import Message
from classifier.i18n import _
from classifier.local_time import local_date
from classifier.paths import command

if TYPE_CHECKING:
    from pathlib import Path

    from classifier.audit.estimate import AuditState


def has_audit_guarantee(library: Path) -> bool:
    """Whether the last audit guarantees the error rate that the last sort could not."""
    from classifier.audit.session import audit_guarantee
    from classifier.catalog.connection import read_catalog

    with read_catalog(library) as catalog:
        return audit_guarantee(catalog, library) is not None


def audit_lines(library: Path) -> list[str]:
    """The last audit's bound, and what to do where anything was filed since."""
    last = _last_audit(library)
    if last is None:
        return []
    from classifier.audit.progress_text import progress_message

    state, is_current = last
    line = Message(
        "audit of {date}: of {filed:,} filed {bound}",
        date=local_date(state.audit.at),
        filed=state.audit.population,
        bound=state.bound().sentence,
    )
    if not state.is_finished or state.audit.until is not None:
        line = Message("{audit}; {progress}", audit=line, progress=progress_message(state))
    if is_current:
        return [_(line)]
    another = _(
        "that audit is of an earlier sorting, something was filed or moved since: {command} draws another sample",
        command=command("audit", library),
    )
    return [_(line), another]


def last_audit_as_dict(library: Path) -> dict[str, Any] | None:
    """The same for JSON; None without an audit."""
    from classifier.cli.audit import as_dict

    last = _last_audit(library)
    return None if last is None else as_dict(last[0]) | {"current": last[1]}


def _last_audit(library: Path) -> tuple[AuditState, bool] | None:
    from classifier.catalog import annotation_log, audits
    from classifier.catalog.connection import read_catalog

    with read_catalog(library) as catalog:
        audit = audits.last(catalog)
        if audit is None:
            return None
        from classifier.audit.estimate import AuditState  # a library without an audit does not pay for scipy

        return AuditState(audit, annotation_log.of_audit(catalog, audit.id)), audits.marks(catalog) == audit.marks
