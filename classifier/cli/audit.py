"""`illsort audit`: a person judges a random sample of the filed pictures, and a bound on the error rate follows."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from classifier.cli import interrupt
from classifier.cli.image_preview import Show
from classifier.cli.options import MOST, MOST_SEED, path_argument
from classifier.progress import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifier.audit.apply import RefileResult
    from classifier.audit.estimate import AuditState
    from classifier.audit.session import Session

_LEAST_ERROR = 1e-6
_KEYS = (
    "y or Enter: right   n: wrong   s: skip   Backspace: take back   o: open large   q: stop, go on later   "
    "?: these keys   (1 and 0: y and n)"
)
_NO_UNDO = "Backspace takes back; u is no key here: on the review page it says none of these"


def audit(
    library: Annotated[Path, path_argument("The folder that was sorted into.")],
    *,
    count: Annotated[
        int | None,
        typer.Option(
            "--count", "-n", min=1, max=MOST, help="Pictures to judge (default: 160, or what the rate takes)."
        ),
    ] = None,
    max_error: Annotated[
        float | None,
        typer.Option("--max-error", help="Share wrong that is to be kept, 0.02 for 2% (default: the last sort's)."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, max=MOST_SEED, help="Draw the same sample again.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Draw a new sample, whatever the last one came to.")] = False,
    show: Annotated[Show, typer.Option(help="In the terminal, in the system's viewer, or only the path.")] = Show.AUTO,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="File by the outcome without asking.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="State the last audit as JSON on stdout; draw one only with --new.")
    ] = False,
) -> None:
    """Judge a random sample of what was filed, right or wrong, and know how much of all can be wrong at most."""
    from classifier.audit.session import open_session, recorded_target
    from classifier.audit.thresholds import keeps_target
    from classifier.cli.keyboard import key_reader
    from classifier.cli.terminal import print_json, print_lines
    from classifier.errors import SettingsError

    if max_error is not None and not _LEAST_ERROR <= max_error < 1:
        raise SettingsError(f"--max-error {max_error:g}: give a share between 0 and 1, such as 0.02")
    if as_json and not new and (count is not None or seed is not None):
        raise SettingsError("--json states the last audit; to draw another one by --count or --seed, add --new")
    interrupt.resumable_in(library)
    target = recorded_target(library) if max_error is None else max_error
    with (
        open_session(library, count=count, seed=seed, anew=new, as_it_is=as_json and not new) as session,
        key_reader() as key,
    ):
        is_current = session.is_current
        if is_current:
            _ask_all(session, key, show)
        print_lines(*in_words(session.state, None if is_current else library), err=as_json)
        refiled = _outcome(session, target, lambda question: yes or _confirm(question, key)) if is_current else None
        kept = None if target is None or not session.state.is_finished else keeps_target(session.state, target)
        missed = kept is False and not session.is_filed_by_threshold
        if as_json:
            print_json(as_dict(session.state) | {"current": is_current} | _result(target, kept, refiled))
    if missed:
        raise typer.Exit(1)


def in_words(state: AuditState, outdated: Path | None) -> list[str]:
    """The bounds as lines, for the library and each category; `outdated`: the library, if it changed since."""
    from classifier.audit.estimate import percent_up
    from classifier.cli.terminal import table
    from classifier.paths import command

    bound = state.bound()
    lines = [f"of {bound.filed:,} filed pictures {bound.sentence}"]
    if outdated is not None:
        lines.append(f"something was filed or moved since: {command('audit', outdated, '--new')} draws another sample")
    elif not state.is_finished:
        lines.append(f"{state.asked} of {len(state.audit.drawn)} are answered; the same command goes on")
    if not state.asked:
        return lines[-1:]
    rows = [
        (one.category or "", f"{one.filed:,}", str(one.asked), str(one.wrong + one.skipped), percent_up(one.at_most))
        for one in state.bounds()
    ]
    return ["", *lines, "", *table(("category", "filed", "judged", "wrong", "at most wrong"), rows)]


def as_dict(state: AuditState) -> dict[str, Any]:
    """The bounds as values for JSON."""
    bound = state.bound()
    fields = ("filed", "asked", "wrong", "skipped", "at_most", "number", "confidence")
    return {
        "audit": state.audit.id,
        "at": state.audit.at,
        "drawn": len(state.audit.drawn),
        "finished": state.is_finished,
        **{key: getattr(bound, key) for key in fields},
        "categories": {one.category: {key: getattr(one, key) for key in fields} for one in state.bounds()},
    }


def _ask_all(session: Session, key: Callable[[], str], how: Show) -> None:
    from classifier.cli.image_preview import Screen
    from classifier.cli.terminal import print_lines
    from classifier.records import AnnotationKind

    if not session.state.is_finished:
        _print(_KEYS)
    with Screen(sys.stderr, how) as screen:
        while (drawn := session.state.current) is not None:
            path = session.path_of(drawn)
            if path is None:
                _print(f"{drawn.category}: one of its pictures is no longer there: skipped")
                session.answer(AnnotationKind.SKIPPED)
                continue
            _print("", _progress(session.state), f"  {path}", f"  {drawn.reason}")
            screen.show(path)
            print_lines(f"  {drawn.category}, {int(drawn.confidence * 1000) / 1000:.3f}: right? ", err=True, nl=False)
            while (done := _handle_key(session, key(), partial(screen.open, path))) is None:
                pass
            if done:
                return


def _handle_key(session: Session, key: str, open_large: Callable[[], bool]) -> bool | None:
    """Handle one key: True if it ends the questions, False if the question is answered, None if it is still open."""
    from classifier.cli.keyboard import BACKSPACE, END, ENTER
    from classifier.records import AnnotationKind

    answers = {
        "y": AnnotationKind.RIGHT,
        "1": AnnotationKind.RIGHT,
        ENTER: AnnotationKind.RIGHT,
        "n": AnnotationKind.WRONG,
        "0": AnnotationKind.WRONG,
        "s": AnnotationKind.SKIPPED,
    }
    if key in {"q", END}:
        _print("")
        return True
    if key == BACKSPACE:
        return False if _take_back(session) else None
    if key in {"?", "u"}:
        _print(_KEYS if key == "?" else _NO_UNDO, inline=True)
    if key == "o" and not open_large():
        _print("there is no viewer here", inline=True)
    if key not in answers:
        return None
    _print(answers[key])
    session.answer(answers[key])
    return False


def _take_back(session: Session) -> bool:
    """Undo the last answer, and also automatic skips of pictures that are no longer there."""
    taken = session.take_back()
    _print("taken back" if taken else "nothing to take back", inline=not taken)
    while taken and (drawn := session.state.current) is not None and session.path_of(drawn) is None:
        taken = session.take_back()
    return taken


def _progress(state: AuditState) -> str:
    from classifier.audit.estimate import percent_up

    so_far = f"; so far at most {percent_up(state.bound().at_most)} wrong" if state.asked else ""
    return f"{min(state.asked + 1, len(state.audit.drawn))} of {len(state.audit.drawn)}{so_far}"


def _outcome(session: Session, target: float | None, agrees: Callable[[str], bool]) -> RefileResult | None:
    """File by the result, as far as the person agrees."""
    if not session.state.is_finished:
        return None
    from classifier.catalog.strictness import Strictness
    from classifier.cli.terminal import TerminalProgress
    from classifier.paths import command

    threshold = None if target is None else _agreed_threshold(session, target, agrees)
    wrong = session.wrong
    if threshold is None and not (wrong and agrees(f"put the {wrong} judged wrong into _review?")):
        return None
    agreed = Strictness(threshold=threshold, max_error=target)
    refiled = session.refile(agreed, progress=TerminalProgress())
    back = command("undo", session.library, "--run", refiled.run)
    _print(f"run {refiled.run}: {counted(refiled.moved, 'picture')} went to _review; {back} takes it back")
    for path, reason in refiled.left:
        _print(f"  {path}: was left there: {reason}")
    return refiled


def _agreed_threshold(session: Session, target: float, agrees: Callable[[str], bool]) -> float | None:
    from classifier.audit.estimate import percent_up
    from classifier.audit.thresholds import keeps_target

    if keeps_target(session.state, target):
        _print(f"{percent_up(target)} is kept")
        return None
    if session.is_filed_by_threshold:
        return None
    offer = session.offer(target)
    if offer is None:
        _print(f"that {percent_up(target)} is kept is not shown; {_no_threshold_reason(session, target)}")
        return None
    _print(
        f"that {percent_up(target)} is kept is not shown; {offer.threshold:.4g} would keep it: "
        f"{offer.kept:,} of {offer.filed:,} stay filed"
    )
    return offer.threshold if agrees(f"put what is below {offer.threshold:.4g} into _review?") else None


def _no_threshold_reason(session: Session, target: float) -> str:
    """Why no threshold is offered, and what would help."""
    from classifier.audit.thresholds import next_sample_size
    from classifier.paths import command

    if not session.is_current:
        return f"something was filed since: {command('audit', session.library, '--new')} draws another sample"
    count = next_sample_size(session.state, target)
    more = (
        ""
        if count == len(session.state.audit.drawn)
        else f": {command('audit', session.library, '--new', '--count', count)}"
    )
    return f"no threshold is shown to keep it either{more}"


def _result(target: float | None, kept: bool | None, refiled: RefileResult | None) -> dict[str, Any]:
    filing = {} if refiled is None else {"run": refiled.run, "moved": refiled.moved, "left": len(refiled.left)}
    return {"max_error": target, "kept": kept, **filing}


def _confirm(question: str, key: Callable[[], str]) -> bool:
    from classifier.cli.keyboard import ENTER
    from classifier.cli.terminal import print_lines

    print_lines(f"{question} [Y/n] ", err=True, nl=False)
    agreed = key() in {"y", "1", ENTER}
    _print("yes" if agreed else "no")
    return agreed


def _print(*lines: str, inline: bool = False) -> None:
    from classifier.cli.terminal import print_lines

    print_lines(*(f"({line}) " if inline else line for line in lines), err=True, nl=not inline)
