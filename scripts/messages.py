"""Collects the messages of the source into the catalog of translations, classifier/locale, and compiles it.

The page's messages, in JavaScript, are also written to its module of translations, classifier/web/static/zh_CN.js.

python scripts/messages.py

Translate in illsort.po what it prints, and run it again.
"""

from __future__ import annotations

import json
import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as CatalogMessage
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from typer.main import get_command

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from classifier import errors  # noqa: E402 - of this checkout
from classifier.catalog.runs import KINDS, EndState  # noqa: E402 - the same
from classifier.cli.main import app  # noqa: E402 - the same
from classifier.filing.file_checks import WhyNoLink  # noqa: E402 - the same
from classifier.filing.results import Status  # noqa: E402 - the same
from classifier.i18n import DOMAIN, LOCALE, SYSTEM, Language  # noqa: E402 - the same
from classifier.records import FailureKind, Mode  # noqa: E402 - the same

PO: Final = LOCALE / Language.CHINESE / "LC_MESSAGES" / f"{DOMAIN}.po"
MO: Final = PO.with_suffix(".mo")
PAGE: Final = ROOT / "classifier" / "web" / "static" / "zh_CN.js"
LANGUAGES: Final = (("**.py", "python"), ("**.js", "javascript"), ("report/templates/*.html", "jinja2"))
ERRORS: Final[list[type[Exception]]] = [errors.IllsortError, *errors.IllsortError.__subclasses__()]
KEYWORDS: Final = {
    **dict.fromkeys([*(kind.__name__ for kind in ERRORS), "RequestError", "Message", "StageName", "_", "N_", "t"]),
    "Counted": (1, 2),
    "count_": (1, 2),
}
"""Whose first argument is a template; of two of them, the template for one and the one for many."""
WORDS: Final = (*FailureKind, *EndState, *Status, *WhyNoLink, *Mode, *KINDS)
"""Values that are shown as they are."""
CODES: Final = (
    *("EACCES", "EDQUOT", "EEXIST", "EIO", "EISDIR", "EMFILE", "ENAMETOOLONG", "ENODEV", "ENOENT", "ENOSPC"),
    *("ENOTCONN", "ENOTDIR", "EPERM", "EROFS", "ESTALE"),
    *("SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_FULL", "SQLITE_IOERR", "SQLITE_NOTADB"),
    "SQLITE_READONLY",
)
"""What the operating system and SQLite say is translated by its code: the words for it differ between systems."""


class Messages(Catalog):
    """A catalog whose head names no date and no program: it changes only with its messages."""

    mime_headers: list[tuple[str, str]] = [  # noqa: RUF012 - as Babel has it
        ("Language", Language.CHINESE.value),
        ("Plural-Forms", "nplurals=1; plural=0;"),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
    ]


def templates() -> Iterator[tuple[Path, str | tuple[str, ...]]]:
    """Each message with its file; a pair where it depends on a number."""
    for file, _, template, _, _ in extract_from_dir(ROOT / "classifier", LANGUAGES, keywords=KEYWORDS):
        yield Path(file), template


def help_texts() -> Iterator[str]:
    """The help of the commands and their options."""
    group: Any = get_command(app)
    for command in (group, *group.commands.values()):
        yield from (one.help for one in (command, *command.params) if getattr(one, "help", None))


def extracted() -> Messages:
    """Every message of the source, untranslated."""
    catalog = Messages(Language.CHINESE, header_comment="# Chinese of illsort.", fuzzy=False)
    for _, template in templates():
        catalog.add(template)
    for text in (*WORDS, *help_texts()):
        catalog.add(str(text))
    for code in CODES:
        catalog.add(code, context=SYSTEM)
    return catalog


def translated() -> Catalog:
    """The messages of the .po file with their translations."""
    with PO.open("rb") as file:
        return read_po(file, Language.CHINESE)


def merged() -> Messages:
    """The messages of the source with the translations that there are."""
    catalog, known = extracted(), translated()
    for message in catalog:
        found = known.get(message.id, message.context) if message.id else None
        if found is not None:
            message.string = found.string
    return catalog


def compiled(catalog: Catalog) -> bytes:
    """The catalog as the .mo file that gettext reads."""
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def forms(text: str | tuple[str, ...] | list[str] | None) -> tuple[str, ...]:
    """The forms of a message or of its translation: one, or several where it depends on a number."""
    return tuple(text) if isinstance(text, (tuple, list)) else (text or "",)


def is_translated(message: CatalogMessage) -> bool:
    """Whether every form of the translation is there."""
    return all(forms(message.string))


def page_translations(catalog: Catalog) -> str:
    """The module of the page's translations, by message; by its singular, where it depends on a number."""
    words: dict[str, str] = {}
    for file, template in templates():
        key = template if isinstance(template, str) else template[0]
        message = catalog.get(key) if file.suffix == ".js" else None
        if message is not None and is_translated(message):
            words[key] = forms(message.string)[0]
    text = json.dumps(words, ensure_ascii=False, indent=2, sort_keys=True)
    return f"// Written by scripts/messages.py.\nexport const MESSAGES = {text};\n"


def main() -> None:
    """Write the files and print what is left to translate."""
    catalog = merged()
    with PO.open("wb") as file:
        write_po(file, catalog, width=0, no_location=True, sort_output=True)
    MO.write_bytes(compiled(catalog))
    PAGE.write_text(page_translations(catalog), encoding="utf-8")
    left = [message.id for message in catalog if not is_translated(message)]
    print(*left, sep="\n")
    print(f"{len(catalog) - len(left)} of {len(catalog)} messages are translated: {PO.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
