"""The words of typer, which parses the command line, in the language of what is printed.

Two of its complaints are finished sentences and stay English: an option without its value, and words too many.
"""

from __future__ import annotations

from typing import Any, Final

import typer
from typer import core

from classifier.errors import Message
from classifier.i18n import _

_WORDS: Final = (
    Message("Arguments"),
    Message("Options"),
    Message("Commands"),
    Message("env var: {var}"),
    Message("No such command {name!r}."),
    Message("Show this message and exit."),
)
"""What typer looks up by gettext, and the help of --help; they are translated from here."""


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
        super().format_help(ctx, formatter)  # type: ignore[misc]

    def format_usage(self: Any, ctx: Any, formatter: Any) -> None:
        """Write the line of usage."""
        formatter.write_usage(ctx.command_path, " ".join(self.collect_usage_pieces(ctx)), prefix=_("Usage: "))

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
    return _("Invalid value for {name}: {why}", name=name, why=error.message)
