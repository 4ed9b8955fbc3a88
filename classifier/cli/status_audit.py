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


def audit_says_more(library: Path) -> bool:
    """Whether the last audit guarantees the error rate that the last sort could not, or is of answers elsewhere.

    The sort recorded how many pictures of the library to judge, which is another audit.
    """
    from classifier.audit.session import audit_guarantee
    from classifier.catalog import audits
    from classifier.catalog.connection import read_catalog

    with read_catalog(library) as catalog:
        audit = audits.last(catalog)
        is_elsewhere = audit is not None and audit.source is not None
        return is_elsewhere or audit_guarantee(catalog, library) is not None


def audit_lines(library: Path) -> list[str]:
    """The last audit's bound, and what to do where anything was filed since."""
    last = _last_audit(library)
    if last is None:
        return []
    from classifier.audit.progress_text import progress_message

    state, is_current, again = last
    line = _first(state)
    if not state.is_finished or state.audit.until is not None:
        line = Message("{audit}; {progress}", audit=line, progress=progress_message(state))
    if is_current:
        return [_(line)]
    if state.audit.source is not None:
        return [_(line), _("something was filed or moved since: {command} draws another sample", command=again)]
    another = _(
        "that audit is of an earlier sorting, something was filed or moved since: {command} draws another sample",
        command=command("audit", library),
    )
    return [_(line), another]


def _first(state: AuditState) -> Message:
    date, bound, source = local_date(state.audit.at), state.bound().sentence, state.audit.source
    if source is None:
        filed = state.audit.population
        return Message("audit of {date}: of {filed:,} filed {bound}", date=date, filed=filed, bound=bound)
    from classifier.audit.of_answers import of_what

    return Message("audit of {date}: {of_what} {bound}", date=date, of_what=of_what(state.audit), bound=bound)


def last_audit_as_dict(library: Path) -> dict[str, Any] | None:
    """The same for JSON; None without an audit."""
    from classifier.cli.audit import as_dict

    last = _last_audit(library)
    return None if last is None else as_dict(last[0]) | {"current": last[1]}


def _last_audit(library: Path) -> tuple[AuditState, bool, str] | None:
    """The last audit, whether it still holds, and the command that draws another sample of the same."""
    from classifier.catalog import audits
    from classifier.catalog.connection import read_catalog

    with read_catalog(library) as catalog:
        audit = audits.last(catalog)
        if audit is None:
            return None
        from classifier.audit.session import Session  # a library without an audit does not pay for scipy

        session = Session(catalog, library, audit)
        return session.state, session.is_current, session.draw_command()
