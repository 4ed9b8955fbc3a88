"""Names of any bytes, for every file and folder that a person hands over: each command and the page work with them."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from classifier.active.sample import take_sample
from classifier.labels.load import read_labels
from classifier.paths import from_text
from classifier.settings import load
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.pictures import COLORS, encoded, varied
from kit.reviewing import blended, served
from kit.tree import all_files

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.testclient import TestClient

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps names of any bytes")

# The first letter is one of our own, for some beginnings and endings have a meaning: "._x" is no picture.
NAMES = st.binary(max_size=12).map(
    lambda name: os.fsdecode(b"n" + name.replace(b"/", b"?").replace(b"\0", b"0") + b"e")
)
SHIFT_JIS = os.fsdecode("アニメ".encode("shift-jis"))
ODD = os.fsdecode(b"\xff\\x83\x1b[31m\n'\" $x")


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "colors", labeled=True, evidence=30).folder


def run(*words: str | Path, code: int = 0) -> str:
    """Run one command in this process, as on a terminal that takes UTF-8 alone; what it printed on stdout."""
    ended = illsort(*words)
    assert code == ended.returncode, (words[0], ended)
    assert "\x1b" not in ended.stdout + ended.stderr
    return ended.stdout


def as_json(*words: str | Path, code: int = 0) -> dict[str, Any]:
    """What the command prints as JSON: ASCII, and every string in it valid Unicode."""
    values: dict[str, Any] = json.loads(run(*words, "--json", code=code).encode("ascii"))
    json.dumps(values, ensure_ascii=False).encode()
    return values


def filled(crawl: Path, names: Sequence[str]) -> dict[str, bytes]:
    """A crawl of six pictures, three of them unsure, and one file that is none; what lies there."""
    for number, name in enumerate(dict.fromkeys(names)):
        path = crawl / ("sub" + name if number % 2 else "") / f"{number}{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        color = COLORS[("red", "green", "blue")[number % 3]]
        path.write_bytes(blended(number) if number > 2 else encoded(varied(color, seed=number), "PNG"))
    (crawl / f"{names[0]}.jpg").write_bytes(b"\xff\xd8\xff\xe0")
    return all_files(crawl)


@given(
    names=st.lists(NAMES, min_size=6, max_size=6, unique=True),
    mode=st.sampled_from(["link", "copy", "move", "symlink"]),
)
@example(names=[SHIFT_JIS, ODD, *"abcd"], mode="link")
@example(names=[ODD, SHIFT_JIS, *"abcd"], mode="move")
@settings(
    max_examples=1, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate]
)
def test_every_command_and_the_page_work_with_any_name(bundle: Path, names: list[str], mode: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        crawl, library, model = (Path(folder, names[n % 2], f"{names[1 - n % 2]}{n}") for n in range(3))
        shutil.copytree(bundle, model)
        before = filled(crawl, names)
        sort = ("sort", crawl, "--out", library, "--model", model, "--mode", mode, "--workers", "0")
        rules = ("--threshold", "0.99", "--set", "sort.unknown=false")

        run(*sort, *rules, "--dry-run", code=1)
        assert before == all_files(crawl)
        sorted_ = as_json(*sort, *rules, code=1)
        assert 1 == sorted_["broken"]
        assert [] == as_json("verify", library)["off"]
        told = as_json("status", library)
        assert [crawl / f"{names[0]}.jpg"] == [from_text(one["path"]) for one in told["failures"]]
        assert crawl == from_text(told["runs"][0]["crawl"])
        for words in (
            ("status", library),
            ("report", library),
            ("report", model),
            ("audit", library, "--new", "--json"),
        ):
            run(*words)
        with served(library) as client:
            use_page(client)
        run(*sort, *rules, code=1)
        while as_json("undo", library)["undone"] is not None:
            pass
        assert before == all_files(crawl)
        assert [] == [one for one in all_files(library) if not one.startswith((".illsort", "report.html", "_"))]


def use_page(client: TestClient) -> None:
    """Every GET, one answer of each kind, and filing."""
    rows = client.get("/api/queue").json()["pictures"]
    paths = ["state", "folders", "grids", "near", f"near/{rows[0]['picture']}", "audit", "doubts", "queue?order=path"]
    statuses = [client.get(f"/api/{path}").status_code for path in paths]
    shown = [client.get(f"/picture/{row['picture']}/small").status_code for row in rows]
    answer = {"picture": rows[0]["picture"], "said": "right", "category": "red"}
    told = [client.post("/api/say", json={"answers": [answer]}), client.post("/api/file", json={})]
    told += [client.post("/api/back", json={}), client.post("/api/say", json={"answers": [answer]})]
    told += [client.post(f"/api/{path}", json={}) for path in ("file", "audit/begin")]

    assert {200} == {*statuses, *shown, *(one.status_code for one in told)}


@pytest.mark.parametrize("name", [SHIFT_JIS, ODD])
def test_what_cannot_be_undone_is_named_and_everything_else_is_undone(bundle: Path, tmp_path: Path, name: str) -> None:
    """An original that is gone, and a moved picture that was edited."""
    for mode, library in (("link", tmp_path / "linked"), ("move", tmp_path / "moved")):
        crawl = tmp_path / f"crawl {mode}"
        before = filled(crawl, [f"{name}{number}" for number in range(6)])
        words = ("sort", crawl, "--out", library, "--model", bundle, "--mode", mode, "--workers", "0")
        run(*words, "--set", "sort.unknown=false", code=1)
        odd = next(path for path in library.rglob("*.png") if path.name.startswith("0"))
        if mode == "link":
            (crawl / odd.name).unlink()
        else:
            odd.write_bytes(odd.read_bytes() + b"edited")
        undone = as_json("undo", library, code=1)
        left = [from_text(one["path"]) for one in undone["left"]]
        assert [odd] == left
        assert [odd] == [path for path in library.rglob("*.png") if path.is_file()]
        assert before.keys() - {odd.name} == all_files(crawl).keys()
        assert as_json("undo", library)["undone"] is None


def test_training_keeps_its_result_and_a_sample_is_drawn(tmp_path: Path) -> None:
    labels, model = tmp_path / SHIFT_JIS / ODD, tmp_path / ODD / SHIFT_JIS
    for category in ("red", "green"):
        for number in range(4):
            path = labels / category / f"{ODD}{number}" / f"{SHIFT_JIS}{number}.png"
            path.parent.mkdir(parents=True)
            path.write_bytes(encoded(varied(COLORS[category], seed=number), "PNG"))
    quick = ["train.recipe=head", "train.folds=2", "runtime.workers=0"]
    options = [f"labels.folder={labels}", f"model.folder={model}", *quick]
    run("train", *(word for option in options for word in ("--set", option)))
    run("report", model)
    recorded = json.loads((model / "illsort.json").read_text("utf-8"))["settings"]
    chosen = load(None, [f"model.backbone=local-dir:{model}", *quick])
    library = tmp_path / f"drawn {ODD}"
    sample = take_sample(labels, library=library, settings=chosen, count=4)
    with served(library) as client:
        state = client.get("/api/state").json()
        grids = [client.get(f"/api/{path}").status_code for path in ("grids", "queue", "folders")]

    assert (labels, model) == (from_text(recorded["labels"]["folder"]), from_text(recorded["model"]["folder"]))
    assert 8 == len(read_labels(folder=labels, csv_file=None))
    assert 4 == sample.drawn
    assert state["train"].startswith("illsort train --labels $'")
    assert [200] * 3 == grids
