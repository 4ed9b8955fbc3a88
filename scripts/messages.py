"""Collects the messages of the source into the catalog of translations, classifier/locale, and compiles it.

python scripts/messages.py

Translate in illsort.po what it prints, and run it again.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT: Final = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from classifier import errors  # noqa: E402 - of this checkout
from classifier.i18n import DOMAIN, LOCALE, SYSTEM, Language  # noqa: E402 - the same

PO: Final = LOCALE / Language.CHINESE / "LC_MESSAGES" / f"{DOMAIN}.po"
MO: Final = PO.with_suffix(".mo")
ERRORS: Final[list[type[Exception]]] = [errors.IllsortError, *errors.IllsortError.__subclasses__()]
KEYWORDS: Final = {
    **dict.fromkeys([*(kind.__name__ for kind in ERRORS), "Message", "_"]),
    "Counted": (1, 2),
    "count_": (1, 2),
}
"""Whose first argument is a template; of two of them, the template for one and the one for many."""
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


def extracted() -> Messages:
    """Every message of the source, untranslated."""
    catalog = Messages(Language.CHINESE, header_comment="# Chinese of illsort.", fuzzy=False)
    for _, _, template, _, _ in extract_from_dir(ROOT / "classifier", keywords=KEYWORDS):
        catalog.add(template)
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


def main() -> None:
    """Write both files and print what is left to translate."""
    catalog = merged()
    with PO.open("wb") as file:
        write_po(file, catalog, width=0, no_location=True, sort_output=True)
    MO.write_bytes(compiled(catalog))
    left = [message.id for message in catalog if not message.string]
    print(*left, sep="\n")
    print(f"{len(catalog) - len(left)} of {len(catalog)} messages are translated: {PO.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
