"""Every message has a Chinese translation with the same placeholders, and the compiled catalog is that of the .po."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from jinja2 import Environment, nodes

from classifier.errors import Message

messages = pytest.importorskip("messages", reason="Babel is not installed", exc_type=ModuleNotFoundError)


PACKAGE = messages.ROOT / "classifier"
FILES = sorted(PACKAGE.rglob("*.py"))
TEMPLATES = sorted((PACKAGE / "report" / "templates").glob("*.html"))
FINISHED = (ast.JoinedStr, ast.BinOp)
"""A text with something filled in or joined on, which cannot be collected."""


def calls(path: Path) -> Iterator[ast.Call]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in messages.KEYWORDS:
            yield node


def placeholders(*templates: str) -> set[str]:
    return {name for template in templates for _, name, _, _ in Formatter().parse(template) if name is not None}


def test_every_message_of_the_source_has_a_translation_and_no_other_has() -> None:
    wanted = {(message.context, message.id) for message in messages.extracted() if message.id}
    there = {(message.context, message.id) for message in messages.translated() if message.id and any(message.string)}

    assert len(wanted) > 200
    assert [] == sorted(wanted - there, key=str)
    assert [] == sorted(there - wanted, key=str)


def test_a_message_is_a_template_and_no_finished_sentence() -> None:
    assert [] == [
        f"{path.relative_to(messages.ROOT)}:{call.lineno}"
        for path in FILES
        for call in calls(path)
        if any(isinstance(argument, FINISHED) for argument in call.args)
    ]


def test_every_message_of_the_source_is_collected() -> None:
    catalog = messages.extracted()
    given = [call.args[0] for path in FILES for call in calls(path) if call.args]
    used = {one.value for one in given if isinstance(one, ast.Constant) and one.value}

    assert len(used) > 500
    assert [] == sorted(one for one in used if catalog.get(one) is None)


def test_a_message_of_a_report_is_a_template_and_no_finished_sentence() -> None:
    given = [(path.name, call) for path in TEMPLATES for call in calls_of_t(path)]

    assert len(given) > 50
    assert [] == [
        f"{name}:{call.lineno}"
        for name, call in given
        if len(call.args) != 1 or not isinstance(call.args[0], (nodes.Const, nodes.Name, nodes.Getattr))
    ]


def calls_of_t(path: Path) -> Iterator[nodes.Call]:
    for call in Environment(autoescape=True).parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name == "t":
            yield call


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_all_words_of_a_report_are_messages(path: Path) -> None:
    tree = Environment(autoescape=True).parse(path.read_text(encoding="utf-8"))
    page = re.sub("<[^>]*>", " ", "".join(one.data for one in tree.find_all(nodes.TemplateData)))

    assert set(re.findall(r"[^\W\d_]+", page)) <= {"illsort", "中文", "English"}


def test_chinese_is_in_the_catalog_only() -> None:
    files = [path for kind in ("py", "html", "js") for path in PACKAGE.rglob(f"*.{kind}") if path != messages.PAGE]
    found = {word for path in files for word in re.findall("[\u4e00-\u9fff]+", path.read_text(encoding="utf-8"))}

    assert found == {"中文", "是", "否"}  # the name of the language, and two answers that are typed


def test_translations_have_the_placeholders_of_their_message() -> None:
    catalog = [message for message in messages.translated() if message.id and any(message.string)]

    assert [] == [
        message.id
        for message in catalog
        if not message.context
        and placeholders(*messages.forms(message.id)) != placeholders(*messages.forms(message.string))
    ]


def test_the_catalog_of_translations_has_no_doubtful_or_obsolete_entry() -> None:
    catalog = messages.translated()

    assert [] == [message.id for message in catalog if message.fuzzy]
    assert {} == catalog.obsolete


def test_every_message_can_be_stored_and_read_back() -> None:
    for template in (one for message in messages.translated() for one in messages.forms(message.id) if one):
        stored = {"template": template, "params": dict.fromkeys(placeholders(template), 1)}

        assert template == Message.from_dict(stored).template


def test_the_compiled_catalog_is_that_of_the_translations() -> None:
    assert messages.MO.read_bytes() == messages.compiled(messages.merged())


def test_every_message_of_the_page_is_collected() -> None:
    catalog = messages.extracted()
    scripts = "".join(path.read_text(encoding="utf-8") for path in messages.PAGE.parent.glob("*.js"))
    used = set(re.findall(r'(?<![\w.])(?:_|N_|count_)\(\s*"([^"]+)"', scripts))

    assert len(used) > 100
    assert [] == [one for one in used if catalog.get(one) is None]


def test_the_page_loads_the_translations_of_the_catalog() -> None:
    assert messages.PAGE.read_text(encoding="utf-8") == messages.page_translations(messages.merged())
