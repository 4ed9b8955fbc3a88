"""The report of a model holds all that is known, asks for nothing, and replaces no file but its own."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from classifier.cli.train import show_doubts
from classifier.errors import ModelError
from classifier.report.model_report import write_bundle_report
from classifier.report.template import MARKER, is_own_report
from classifier.web.label_files import LabelFiles

VOID = {"meta", "img", "link", "br"}


class Page(HTMLParser):
    """What a browser would see: each element's name with its attributes, and that all of them are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102 - HTMLParser's own
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: D102 - HTMLParser's own
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:  # noqa: D102 - HTMLParser's own
        assert self.open.pop() == tag

    def all(self, name: str) -> list[dict[str, str | None]]:
        """The attributes of each element of that name."""
        return [attributes for tag, attributes in self.elements if tag == name]


def page_of(folder: Path) -> tuple[Page, str]:
    text = write_bundle_report(folder).read_text(encoding="utf-8")
    return Page(text), text


def test_it_is_well_formed_and_shows_names_as_text(bundle: Path) -> None:
    page, text = page_of(bundle)

    assert [] == page.open
    assert [] == page.all("u") + page.all("iframe")
    assert "green &amp; b" in text
    assert "green & b" not in text
    assert "mine &amp; &lt;i&gt;yours" in text


def test_the_report_loads_nothing_and_runs_only_its_own_script(bundle: Path) -> None:
    page, text = page_of(bundle)
    (policy,) = [meta["content"] or "" for meta in page.all("meta") if meta.get("http-equiv")]

    assert policy.startswith("default-src 'none'; img-src data:;")
    for name in ("script", "style"):
        (inside,) = re.findall(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
        assert f"'sha256-{base64.b64encode(hashlib.sha256(inside.encode()).digest()).decode()}'" in policy
    assert all((image["src"] or "").startswith("data:image/webp;base64,") for image in page.all("img"))
    assert [] == [tag for tag, attributes in page.elements if {"href", "style", "onclick", "onload"} & set(attributes)]
    assert "http://" not in text
    assert "https://" not in text


def test_every_part_of_the_report_is_in_both_languages(bundle: Path) -> None:
    page, text = page_of(bundle)

    assert len(re.findall('class="en"', text)) == len(re.findall('class="zh"', text)) > 20
    assert 4 == len([svg for svg in page.all("svg") if svg.get("class") == "plot"])
    assert 1 == len([svg for svg in page.all("svg") if svg.get("class") == "matrix"])
    assert "cross-fitted in 3 parts" in text
    assert "3 折交叉" in text
    assert "With 2 times the labels (600): 93% right (91% to 95%)" in text


def test_thresholds_are_shown_where_a_rate_can_be_guaranteed(bundle: Path) -> None:
    _, text = page_of(bundle)

    assert "Threshold: the least confidence to be filed at" in text
    assert "takes more labels" in text


def test_a_doubtful_label_is_shown_and_one_whose_file_is_gone_is_named(bundle: Path) -> None:
    page, text = page_of(bundle)
    gallery = text[text.index("Labels to look at again") : text.index("Sure, but wrong")]

    assert 1 == gallery.count("<img")
    assert "no longer there" in gallery
    assert "gone.png" in gallery
    assert "&lt;u&gt;0.png" in gallery
    assert len(page.all("img")) > 1  # the mistakes have theirs


def test_a_file_name_that_is_not_utf8_is_shown(bundle: Path) -> None:
    evaluation = json.loads((bundle / "evaluation.json").read_text(encoding="utf-8"))
    evaluation["doubts"]["labels"][0]["path"] = "labels/\udce4.png"
    (bundle / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")

    assert "\\xe4.png" in write_bundle_report(bundle).read_text(encoding="utf-8")


def test_an_older_bundle_has_a_report_of_what_it_contains(bundle: Path) -> None:
    (bundle / "evidence.npz").unlink()
    evaluation = {
        "accuracy": 0.5,
        "count": 2,
        "matrix": [[1, 1, 0], [0, 0, 0], [0, 0, 0]],
        "per_category": [{"category": "blue", "count": 2, "guessed": 1, "precision": None, "recall": 0.5}],
        "coverage": [{"max_error": 0.05, "share": 0.25, "threshold": 0.9}],
        "mistakes": [],
    }
    (bundle / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")
    page, text = page_of(bundle)

    assert [] == page.open
    assert 1 == len([svg for svg in page.all("svg") if svg.get("class") == "matrix"])
    assert "25%" in text


@pytest.mark.parametrize("missing", [("evaluation.json",), ("evaluation.json", "evidence.npz")])
def test_a_bundle_that_lost_its_figures_has_a_report_all_the_same(bundle: Path, missing: tuple[str, ...]) -> None:
    for name in missing:
        (bundle / name).unlink()

    assert [] == page_of(bundle)[0].open


def test_an_older_report_is_replaced_and_nothing_is_left_beside_it(bundle: Path) -> None:
    before = sorted(path.name for path in bundle.iterdir())
    first = write_bundle_report(bundle)
    first.write_text(MARKER + "old", encoding="utf-8")
    write_bundle_report(bundle)

    assert is_own_report(first.read_bytes())
    assert b"<html" in first.read_bytes()
    assert sorted([*before, "report.html"]) == sorted(path.name for path in bundle.iterdir())


def test_a_file_of_another_is_never_replaced(bundle: Path) -> None:
    (bundle / "report.html").write_text("mine", encoding="utf-8")

    with pytest.raises(ModelError, match="was not written by illsort"):
        write_bundle_report(bundle)
    assert "mine" == (bundle / "report.html").read_text(encoding="utf-8")


def test_a_report_that_a_person_changed_is_never_replaced(bundle: Path) -> None:
    path = write_bundle_report(bundle)
    path.write_text(path.read_text(encoding="utf-8") + "<!-- my notes -->", encoding="utf-8")
    with pytest.raises(ModelError, match="was not written by illsort"):
        write_bundle_report(bundle)


def test_a_link_is_never_written_through(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("the only copy")
    (bundle / ".report.html.writing").symlink_to(tmp_path / "thesis.txt")
    path = write_bundle_report(bundle)
    path.unlink()
    path.symlink_to(tmp_path / "thesis.txt")
    with pytest.raises(ModelError, match="was not written by illsort"):
        write_bundle_report(bundle)

    assert "the only copy" == (tmp_path / "thesis.txt").read_text()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "cannot be read"),
        ("[]", "is no JSON object"),
        ("{}", "its format is None"),
        ('{"format": 1, "categories": ["a", "b"], "image_size": 8, "max_squeeze": 2, "temperature": 0}', "temperature"),
    ],
)
def test_a_damaged_manifest_is_one_line(bundle: Path, content: str, says: str) -> None:
    (bundle / "illsort.json").write_text(content, encoding="utf-8")

    with pytest.raises(ModelError, match=says):
        write_bundle_report(bundle)


def test_a_folder_that_is_not_a_bundle_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no illsort bundle, illsort\.json is missing"):
        write_bundle_report(tmp_path)


@pytest.mark.parametrize("chances", [[0.9, 0.06], [0.5] * 3, [0.99, 0.9, 0.3, 0.2, 0.15, 0.12], [0.08]])
def test_terminal_report_and_page_name_the_same_doubtful_labels(
    bundle: Path, capsys: pytest.CaptureFixture[str], chances: list[float]
) -> None:
    evaluation = json.loads((bundle / "evaluation.json").read_text(encoding="utf-8"))
    first = evaluation["doubts"]["labels"][0]
    evaluation["doubts"]["labels"] = [
        first | {"picture": f"{number:064x}", "path": f"labels/{number}.png", "wrong": chance, "confidence": chance}
        for number, chance in enumerate(chances)
    ]
    evaluation["doubts"]["likely_wrong"] = 1
    (bundle / "evaluation.json").write_text(json.dumps(evaluation), encoding="utf-8")
    doubtful = sum(chance >= 0.1 for chance in chances)

    show_doubts(evaluation["doubts"])
    listed = capsys.readouterr().out.strip().splitlines()
    assert (0 if not doubtful else 1 + doubtful) == len(listed)
    assert not doubtful or listed[0].startswith(f"{doubtful} of 300 labels ")
    assert doubtful == len(LabelFiles(lambda: bundle).issues())
    _, text = page_of(bundle)
    assert f"<b>{doubtful}</b>" in text
    assert doubtful == len(re.findall(r"labels/\d\.png", text))
