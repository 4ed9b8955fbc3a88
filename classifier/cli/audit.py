"""`illsort audit`: a person judges a random sample of the filed pictures, and a bound on the error rate follows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli import interrupt
from classifier.cli.audit_of_answers import Sampling, begin_audit
from classifier.cli.drawn_answers import AnswersToDrawFrom, ModelOfAnswers, refuse_without_answers
from classifier.cli.options import (
    MOST,
    MOST_SEED,
    ConfigOption,
    LibraryArgument,
    SetOption,
    library_or_default,
    load_settings,
)
from classifier.cli.review import learn
from classifier.cli.serve_page import Host, NoLearning, NoOpen, PageOptions, Port, Token, print_unfiled, show_page
from classifier.cli.sort import as_asked
from classifier.errors import Message, SettingsError
from classifier.i18n import _, count_
from classifier.paths import command

if TYPE_CHECKING:
    from classifier.audit.apply import RefileResult
    from classifier.audit.estimate import AuditState, Bound
    from classifier.audit.session import Outcome, Session

_LEAST_ERROR = 1e-6
_LEAST_UNTIL = 1e-4


Count = Annotated[
    int | None,
    typer.Option("--count", "-n", min=1, max=MOST, help="Pictures to judge (default: 160, or what the rate takes)."),
]
Kept = Annotated[
    float | None,
    typer.Option("--max-error", help="Share wrong that is to be kept, 0.02 for 2% (default: the last sort's)."),
]
Until = Annotated[
    float | None, typer.Option(help="Judge until at most this share is shown to be wrong, and look at any time.")
]
Seed = Annotated[int | None, typer.Option(min=0, max=MOST_SEED, help="Draw the same sample again.")]
BestOfAnswers = Annotated[
    bool, typer.Option("--best", help="With --answers: as illsort decide --best, the least rate that can be.")
]
New = Annotated[bool, typer.Option("--new", help="Draw a new sample, whatever the last one came to.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="File by the outcome without asking, once all is answered.")]
AsJson = Annotated[
    bool, typer.Option("--json", help="State the last audit as JSON on stdout, without a page; draw with --new.")
]


def audit(
    library: LibraryArgument = None,
    *,
    count: Count = None,
    max_error: Kept = None,
    until: Until = None,
    seed: Seed = None,
    answers: AnswersToDrawFrom = None,
    model: ModelOfAnswers = None,
    best: BestOfAnswers = False,
    new: New = False,
    yes: Yes = False,
    as_json: AsJson = False,
    port: Port = 0,
    host: Host = "127.0.0.1",
    token: Token = None,
    no_learning: NoLearning = False,
    no_open: NoOpen = False,
    config: ConfigOption = None,
    set_: SetOption = [],  # noqa: B006 - typer reads it, nobody writes
    show: Annotated[str | None, typer.Option(hidden=True)] = None,
) -> None:
    """Judge a random sample of what was filed on a page, and know how much of all can be wrong at most."""
    from classifier.audit.session import open_session
    from classifier.cli.terminal import TerminalProgress, print_lines

    asked: dict[str, Any] = {"count": count, "seed": seed, "until": until}
    _check(asked, max_error, draws=new or not as_json or answers is not None)
    of_answers = {"--model": model, "--best": best or None, "--config": config, "--set": set_ or None}
    refuse_without_answers(answers, of_answers)
    if show is not None:
        print_lines(_("--show is no longer used: the page shows the pictures"), err=True)
    library = library_or_default(library)
    interrupt.resumable_in(library)
    if answers is not None:
        options = {"model.folder": model, "sort.max_error": max_error}
        chosen = load_settings(config, set_, options)
        strictness = as_asked(chosen, set_, options, best=best)
        kept = begin_audit(answers, library, Sampling(**asked, anew=new), chosen, strictness=strictness)
        max_error = kept if best else max_error
        asked, new = {}, False
    how = {"anew": new, "as_it_is": as_json and not new}
    with open_session(library, **asked, **how, progress=TerminalProgress()) as session:
        needs_page = not as_json and not (yes and session.state.is_finished)
    if needs_page:
        page = PageOptions(host=host, port=port, token=token, no_open=no_open, view="audit", max_error=max_error)
        print_unfiled(show_page(library, page, name="audit", learn=None if no_learning else learn))
    _conclude(library, max_error, yes=yes, as_json=as_json)


def _check(asked: dict[str, Any], max_error: float | None, *, draws: bool) -> None:
    """Raises SettingsError for shares that are none, and options that do not go together."""
    until = asked["until"]
    if max_error is not None and not _LEAST_ERROR <= max_error < 1:
        raise SettingsError("--max-error {given:g}: give a share between 0 and 1, such as 0.02", given=max_error)
    if until is not None and not _LEAST_UNTIL <= until < 1:
        raise SettingsError("--until {given:g}: give a share from 0.0001 to 1, such as 0.02", given=until)
    if until is not None and (max_error is not None or asked["count"] is not None):
        raise SettingsError("--until says what is to be shown, and how many are judged: leave --max-error and --count")
    if not draws and any(value is not None for value in asked.values()):
        raise SettingsError(
            "--json states the last audit; to draw another one by --count, --seed or --until, add --new"
        )


def _conclude(library: Path, max_error: float | None, *, yes: bool, as_json: bool) -> None:
    """State the last audit, and file by its outcome with `yes`. Exits with 1 if the target is missed."""
    from classifier.audit.session import open_session
    from classifier.cli.terminal import print_json, print_lines

    with open_session(library, as_it_is=True) as session:
        target, is_current = session.target(max_error), session.is_current
        outcome = session.outcome(target)
        print_lines(*in_words(session), err=as_json)
        if is_current and outcome is not None and target is not None:
            print_lines(_(_target_in_words(session, outcome, target)), err=True)
        refiled = _file(session, outcome, target) if yes and is_current else None
        if as_json:
            kept = None if outcome is None else outcome.kept
            print_json(as_dict(session.state) | {"current": is_current} | _result(target, kept, refiled))
        if outcome is not None and outcome.kept is False and not session.is_filed_by_threshold:
            raise typer.Exit(1)


def in_words(session: Session) -> list[str]:
    """The bounds as lines, for all that is filed and each category, and what to do where the library changed since."""
    from classifier.audit.of_answers import of_what
    from classifier.audit.progress_text import progress_message
    from classifier.cli.terminal import table

    state, is_current = session.state, session.is_current
    lines = [_("{of_what} {bound}", of_what=of_what(state.audit), bound=state.bound().sentence)]
    if not is_current and state.audit.source is None and (run := state.audit.run) is not None:
        back = command("undo", session.library, "--run", run)
        lines.append(_("run {run} filed by this outcome; {command} takes it back", run=run, command=back))
    elif not is_current:
        another = session.draw_command()
        lines.append(_("something was filed or moved since: {command} draws another sample", command=another))
    elif not state.is_finished:
        lines.append(_("{progress}; the same command goes on", progress=progress_message(state)))
    elif state.audit.until is not None:
        lines.append(_(progress_message(state)))
    if not state.asked:
        return lines[-1:]
    rows = [
        (one.category or "", f"{one.filed:,}", str(one.asked), str(one.wrong + one.skipped), _at_most(one))
        for one in state.bounds()
    ]
    head = (_("category"), _("filed"), _("judged"), _("wrong"), _("at most wrong"))
    return ["", *lines, "", *table(head, rows)]


def _at_most(bound: Bound) -> str:
    from classifier.progress import percent_up

    return "-" if bound.is_early else percent_up(bound.at_most)


def as_dict(state: AuditState) -> dict[str, Any]:
    """The bounds as values for JSON."""
    bound = state.bound()
    fields = ("filed", "asked", "wrong", "skipped", "at_most", "number", "confidence")
    return {
        "audit": state.audit.id,
        "at": state.audit.at,
        "source": state.audit.source,
        "drawn": len(state.audit.drawn),
        "finished": state.is_finished,
        "until": state.audit.until,
        "shown": state.is_shown,
        "left_at_this_rate": state.left_at_this_rate,
        **{key: getattr(bound, key) for key in fields},
        "categories": {one.category: {key: getattr(one, key) for key in fields} for one in state.bounds()},
    }


def _target_in_words(session: Session, outcome: Outcome, target: float) -> Message:
    """Whether the target is kept; if not, the threshold that keeps it, or how many more pictures may show one."""
    from classifier.audit.thresholds import next_sample_size
    from classifier.progress import percent_up

    if outcome.kept:
        return Message("{rate} is kept", rate=percent_up(target))
    offer, is_elsewhere = outcome.offer, session.state.audit.source is not None
    if offer is not None and is_elsewhere:
        return Message(
            "that {rate} is kept is not shown; {threshold} would keep it: {kept:,} of {filed:,} stay filed: of what is "
            "decided to be filed (action is file), take what has confidence >= {threshold}",
            rate=percent_up(target),
            threshold=offer.threshold,
            kept=offer.kept,
            filed=offer.filed,
        )
    if offer is not None:
        return Message(
            "that {rate} is kept is not shown; {threshold:.4g} would keep it: {kept:,} of {filed:,} stay filed; --yes "
            "puts the others into _review",
            rate=percent_up(target),
            threshold=offer.threshold,
            kept=offer.kept,
            filed=offer.filed,
        )
    neither = Message(
        "that {rate} is kept is not shown; no threshold is shown to keep it either", rate=percent_up(target)
    )
    count = next_sample_size(session.state, target)
    if count == len(session.state.audit.drawn) or session.state.audit.until is not None:
        return neither
    return Message("{neither}: {command}", neither=neither, command=session.draw_command(count))


def _file(session: Session, outcome: Outcome | None, target: float | None) -> RefileResult | None:
    """Move what was judged wrong, and what is below the offered threshold, into `_review`; None for nothing to move."""
    from classifier.catalog.strictness import Strictness
    from classifier.cli.terminal import TerminalProgress, print_lines

    offer = None if outcome is None or session.state.audit.source is not None else outcome.offer
    if outcome is None or not (offer or outcome.misfiled):
        return None
    threshold = None if offer is None else offer.threshold
    refiled = session.refile(Strictness(threshold=threshold, max_error=target), progress=TerminalProgress())
    back = command("undo", session.library, "--run", refiled.run)
    moved = count_(
        "run {run}: {count:,} picture went to _review; {command} takes it back",
        "run {run}: {count:,} pictures went to _review; {command} takes it back",
        count=refiled.moved,
        run=refiled.run,
        command=back,
    )
    left = [_("{path}: was left there: {why}", path=path, why=_(why)) for path, why in refiled.left]
    print_lines(moved, *(f"  {line}" for line in left), err=True)
    return refiled


def _result(target: float | None, kept: bool | None, refiled: RefileResult | None) -> dict[str, Any]:
    filing = {} if refiled is None else {"run": refiled.run, "moved": refiled.moved, "left": len(refiled.left)}
    return {"max_error": target, "kept": kept, **filing}
