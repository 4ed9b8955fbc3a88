"""`illsort`: the commands, and the one place where an error becomes a line and an exit code.

0 done; 1 done, but some pictures failed; 2 the user's or the environment's fault, in one line; 130 stopped by Ctrl-C.
Any other exception is a bug and keeps its traceback.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperCommand, TyperGroup

from classifier import __version__
from classifier.cli import interrupt
from classifier.cli.audit import audit
from classifier.cli.config import config, init
from classifier.cli.decide import decide
from classifier.cli.demo import demo
from classifier.cli.doctor import doctor
from classifier.cli.duplicates import duplicates
from classifier.cli.export import export
from classifier.cli.home import open_home
from classifier.cli.label import label
from classifier.cli.list import list_
from classifier.cli.predict import predict
from classifier.cli.report import report
from classifier.cli.review import review
from classifier.cli.sample import sample
from classifier.cli.sort import sort
from classifier.cli.status import status
from classifier.cli.sync import sync
from classifier.cli.terminal import print_lines
from classifier.cli.train import train
from classifier.cli.translated_parser import TranslatedHelp, usage_message
from classifier.cli.undo import undo
from classifier.cli.verify import verify
from classifier.cli.watch import watch
from classifier.errors import IllsortError, located_message
from classifier.i18n import Language, _, set_language, user_language
from classifier.jobs.current import VARIABLE

_USER_ERROR = 2
_LANGUAGE_VARIABLE = "ILLSORT_LANG"
_LANGUAGES = {"en": Language.ENGLISH, "zh": Language.CHINESE}


class Command(TranslatedHelp, TyperCommand):
    """A command whose help is printed in the language of the person."""


class CommandGroup(TranslatedHelp, TyperGroup):
    """Exits with 2 and one line on stderr for a mistake of the user or a fault of the environment."""

    def main(self, *args: Any, **options: Any) -> NoReturn:
        """Run the command and exit."""
        set_language(_LANGUAGES.get(os.environ.get(_LANGUAGE_VARIABLE, "")) or user_language())
        arguments = args[0] if args else options.pop("args", None)
        arguments = _with_language_first(sys.argv[1:] if arguments is None else list(arguments))
        code = self._code(arguments, *args[1:], **options)
        if code == interrupt.STOPPED or interrupt.is_pressed():
            raise KeyboardInterrupt  # becomes one line, whatever exception it arrived as
        sys.exit(code)

    def _code(self, *args: Any, **options: Any) -> int:
        try:
            # Paths are read as they are given: `options.as_path` expands `~`, and a pattern is no list of files.
            code = super().main(*args, **{**options, "standalone_mode": False, "windows_expand_args": False})
        except IllsortError as error:
            return _fail(_(error.message))
        except OSError as error:
            if isinstance(error, BrokenPipeError) or not error.strerror:
                raise
            return _fail(_(located_message(error)))
        except typer.Abort:
            return _fail(_("a question was not answered"))
        except Exception as error:
            if not hasattr(error, "format_message"):  # the parser's own errors, which typer does not name
                raise
            return _usage_error(error)
        return code if isinstance(code, int) else 0


def _with_language_first(arguments: list[str]) -> list[str]:
    """`--lang`, which may stand after the command as well, before all else: help and errors are printed in it."""
    for number, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--lang" or argument.startswith("--lang="):
            end = number + (2 if argument == "--lang" else 1)
            return [*arguments[number:end], *arguments[:number], *arguments[end:]]
    return arguments


def _fail(message: str) -> int:
    if not interrupt.is_pressed():
        print_lines(f"illsort: {message}", err=True)
    return _USER_ERROR


def _usage_error(error: Any) -> int:
    message = usage_message(error)
    if not message or "\n" in message:  # no command was named: its message is the help
        print_lines(*message.splitlines(), err=True)
        return _USER_ERROR
    named = "illsort" if error.ctx is None else error.ctx.command_path  # an option without its value knows no command
    return _fail(_("{message}; see {command} --help", message=message.rstrip("."), command=named))


app = typer.Typer(
    cls=CommandGroup,
    name="illsort",
    no_args_is_help=False,  # it opens the page
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="illsort demo",
)
app.command(cls=Command, epilog="illsort init --crawl ~/crawl --labels ~/labels --out ~/sorted")(init)
app.command(cls=Command, name="open", epilog="illsort open ~/illsort")(open_home)
app.command(cls=Command, epilog="illsort label ~/crawl --labels ~/labels")(label)
app.command(cls=Command, epilog="illsort train --labels ~/labels --model ~/models/mine")(train)
app.command(cls=Command, epilog="illsort sort ~/crawl --out ~/sorted --model ~/models/mine")(sort)
app.command(cls=Command, epilog="illsort sample s3://parts/mine --to ~/sample --count 2000")(sample)
app.command(cls=Command, epilog="illsort decide s3://answers/mine --model ~/models/mine --to ~/decisions")(decide)
app.command(cls=Command, epilog="illsort watch ~/crawl --out ~/sorted")(watch)
app.command(cls=Command, epilog="illsort status ~/sorted")(status)
app.command(cls=Command, epilog="illsort review ~/sorted")(review)
app.command(cls=Command, epilog="illsort sync ~/sorted --learn")(sync)
app.command(cls=Command, epilog="illsort audit ~/sorted --max-error 0.02")(audit)
app.command(cls=Command, epilog="illsort report ~/models/mine --open")(report)
app.command(cls=Command, epilog="illsort export ~/sorted --to sorted.csv")(export)
app.command(cls=Command, name="list", epilog="illsort list s3://bucket/crawl --to s3://bucket/parts")(list_)
app.command(cls=Command, epilog="illsort undo ~/sorted --run 3")(undo)
app.command(cls=Command, epilog="illsort verify ~/sorted --quick")(verify)
app.command(cls=Command, epilog="illsort predict s3://parts --model ~/models/mine --to s3://answers")(predict)
app.command(cls=Command, epilog="illsort duplicates ~/crawl")(duplicates)
app.command(cls=Command, epilog="illsort demo --folder illsort-demo")(demo)
app.command(cls=Command, epilog="illsort doctor --crawl ~/crawl --out ~/sorted")(doctor)
app.command(cls=Command, epilog="illsort config --config anime")(config)


def _language(text: str | Language) -> Language:
    if text not in _LANGUAGES:
        raise typer.BadParameter(_("'{given}': give en or zh", given=text))
    return _LANGUAGES[text]


def _speak(language: Language | None) -> None:
    if language is not None:
        set_language(language)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    *,
    lang: Annotated[  # noqa: ARG001 - `_speak` has it
        Language | None,
        typer.Option(
            parser=_language,
            metavar="en|zh",
            envvar=_LANGUAGE_VARIABLE,
            is_eager=True,  # before --help
            callback=_speak,
            help="Language; that of the locale.",
        ),
    ] = None,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    """Sort pictures into your own categories; what it is not sure of waits for you. Alone it opens a page for all."""
    if version:
        print_lines(f"illsort {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        open_home(token=os.environ.get("ILLSORT_TOKEN"))


def main() -> None:
    """Run the command line to the end of the process."""
    with interrupt.handle_sigint():
        run()


def run() -> None:
    """Run the command line; names that the terminal cannot show are escaped instead of stopping the run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if VARIABLE in os.environ:
        from classifier.jobs.process import running_job

        with running_job():
            app(prog_name="illsort")
    app(prog_name="illsort")
