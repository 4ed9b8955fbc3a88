"""The words of typer, which parses the command line, in the language of what is printed.

Two of its complaints are finished sentences and stay English: an option without its value, and words too many.
"""

from __future__ import annotations

import re
from typing import Any, Final

import typer
from typer import core

from classifier.cli.terminal import columns
from classifier.errors import Message
from classifier.i18n import _

_WORDS: Final = (
    Message("Arguments"),
    Message("Options"),
    Message("Commands"),
    Message("env var: {var}"),
    Message("default: {default}"),
    Message("required"),
    Message("No such command {name!r}."),
    Message("Show this message and exit."),
)
"""What typer looks up by gettext, and the help of --help; they are translated from here."""
_TEXT, _NUMBER, _PATH = Message("TEXT"), Message("NUMBER"), Message("PATH")
_VALUES: Final = {
    **dict.fromkeys(("<str>", "<list[str]>", "TEXT"), _TEXT),
    **dict.fromkeys(("<int>", "<float>", "<int range>", "<float range>"), _NUMBER),
    **dict.fromkeys(("INTEGER RANGE", "FLOAT RANGE", "INTEGER", "FLOAT"), _NUMBER),
    **dict.fromkeys(("<Path>", "PATH"), _PATH),
    "GLOB": Message("GLOB"),
}
"""How typer names what an option takes, whichever version it is."""
_LONGEST: Final = 200
_VALUE: Final = re.compile(rf"(?<= )(?:{'|'.join(map(re.escape, _VALUES))})(?!\S)")
_FIRST: Final = 0xE000
_AS_WIDE: Final = re.compile(r"([\ue000-\uf8ff])\1*")


def _as_wide(found: re.Match[str]) -> str:
    """What stands for a value until the columns are laid out, which counts characters: as many as it takes columns."""
    word = _VALUES[found[0]]
    return chr(_FIRST + list(_VALUES.values()).index(word)) * columns(_(word))


def _shown(found: re.Match[str]) -> str:
    return _(list(_VALUES.values())[ord(found[1]) - _FIRST])


def _word(message: str) -> str:
    return _(message)


core._ = _word  # the name under which typer has gettext


class TranslatedHelp:
    """For a typer command: its help is translated before it is laid out."""

    def format_help(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        for one in (self, *self.get_params(ctx), *getattr(self, "commands", {}).values()):
            if getattr(one, "help", None):
                one.help = _(one.help)
        write_dl = formatter.write_dl
        formatter.write_dl = lambda rows, *args, **options: write_dl(
            [(_VALUE.sub(_as_wide, name), about) for name, about in rows], *args, **options
        )
        super().format_help(ctx, formatter)  # type: ignore[misc]
        formatter.buffer = [_AS_WIDE.sub(_shown, text) for text in formatter.buffer]

    def format_usage(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the line of usage."""
        words = {"[OPTIONS]": _("[OPTIONS]"), "COMMAND [ARGS]...": _("COMMAND [ARGS]...")}
        pieces = (words.get(piece, piece) for piece in self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, " ".join(pieces), prefix=_("Usage: "))

    def format_epilog(self: Any, _context: Any, formatter: Any) -> None:
        """Write the example, which is all that the epilog is."""
        example = _("Example:  {command}", command=self.epilog)
        formatter.write_paragraph()
        formatter.write(f"  {example}\n")


def usage_message(error: Any) -> str:
    """What is wrong with a command line, by the parser's error: translated as far as that has parts."""
    if getattr(error, "possibilities", None):
        return _(
            "No such option: {name} (Possible options: {names})",
            name=error.option_name,
            names=", ".join(sorted(error.possibilities)),
        )
    if hasattr(error, "possibilities"):
        return _("No such option: {name}", name=error.option_name)
    if not isinstance(error, typer.BadParameter) or error.param is None or error.param_hint is not None:
        return str(error.format_message())
    name = error.param.get_error_hint()
    if not error.message:  # nothing was given at all
        return _("{name} is missing", name=name.replace("'", ""))
    found: list[Any] = getattr(error.__cause__, "errors", list)()
    if not found:
        return _("Invalid value for {name}: {why}", name=name, why=error.message)
    from classifier.validation import problem_with

    given, why = str(found[0]["input"])[:_LONGEST], problem_with(found[0])
    return _("{name}: {given!r}: {why}", name=name.replace("'", ""), given=given, why=why)
