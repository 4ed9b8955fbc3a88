"""Every message has a Chinese translation with the same placeholders, and the compiled catalog is that of the .po."""

from __future__ import annotations

import re
from string import Formatter

import pytest

messages = pytest.importorskip("messages", reason="Babel is not installed", exc_type=ModuleNotFoundError)


def placeholders(*templates: str) -> set[str]:
    return {name for template in templates for _, name, _, _ in Formatter().parse(template) if name is not None}


def forms(of_message: str | tuple[str, ...]) -> tuple[str, ...]:
    return (of_message,) if isinstance(of_message, str) else tuple(of_message)


def test_translations_have_the_placeholders_of_their_message() -> None:
    catalog = [message for message in messages.translated() if message.id and message.string]

    assert len(catalog) > 30
    assert [] == [
        message.id
        for message in catalog
        if not message.context and placeholders(*forms(message.id)) != placeholders(*forms(message.string))
    ]


def test_the_catalog_of_translations_has_no_doubtful_or_obsolete_entry() -> None:
    catalog = messages.translated()

    assert [] == [message.id for message in catalog if message.fuzzy]
    assert {} == catalog.obsolete


def test_the_compiled_catalog_is_that_of_the_translations() -> None:
    assert messages.MO.read_bytes() == messages.compiled(messages.merged())


def test_every_message_of_the_page_has_a_chinese_translation() -> None:
    catalog = messages.merged()
    scripts = "".join(path.read_text(encoding="utf-8") for path in messages.PAGE.parent.glob("*.js"))
    used = set(re.findall(r'(?<![\w.])(?:_|N_|count_)\(\s*"([^"]+)"', scripts))

    assert len(used) > 100
    assert [] == [one for one in used if (found := catalog.get(one)) is None or not any(found.string)]


def test_the_page_loads_the_translations_of_the_catalog() -> None:
    assert messages.PAGE.read_text(encoding="utf-8") == messages.page_translations(messages.merged())
