"""`illsort sort --max-error`, as a person meets it: what is printed, what is refused, what status shows."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest

from classifier.audit.session import open_session
from classifier.records import AnnotationKind, Selection
from kit.bundles import color_bundle
from kit.commands import illsort
from kit.pictures import COLORS, animated_bytes, encoded, varied
from kit.tree import Tree, make_tree, read_tree

PROMISE = (
    "at most 5% wrong among the filed, 95% confidence, on pictures like your labels in the same mix: "
    "by 400 of them drawn by chance"
)


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return color_bundle(tmp_path_factory.mktemp("model") / "judged", evidence=400).folder


@pytest.fixture(scope="module")
def picked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "picked"
    return color_bundle(folder, evidence=400, selection=Selection.PERSON).folder


def drawn(folder: Path) -> tuple[str | Path, ...]:
    """A crawl of three pictures, as the words that sort it."""
    make_tree(
        folder / "crawl", {f"{name}.png": encoded(varied(color, seed=1), "PNG") for name, color in COLORS.items()}
    )
    return ("sort", folder / "crawl", "--out", folder / "sorted", "--workers", "0")


def test_a_guarantee_is_printed_and_stays_in_the_status(tmp_path: Path, judged: Path) -> None:
    words = drawn(tmp_path)
    shown = illsort(*words, "--model", judged, "--max-error", "0.05")
    status = illsort("status", tmp_path / "sorted")

    assert 0 == shown.returncode
    assert f"  {PROMISE}, held out" in shown.stdout.splitlines()
    assert f"{PROMISE}, held out; of those, " in shown.stderr
    assert f"#1 promised {PROMISE}, held out" in status.stdout.splitlines()
    assert json.loads(illsort("status", tmp_path / "sorted", "--json").stdout)["promise"].startswith(PROMISE)


def test_json_ends_with_the_promise(tmp_path: Path, judged: Path) -> None:
    shown = illsort(*drawn(tmp_path), "--model", judged, "--set", "sort.max_error=0.05", "--json", "--dry-run")

    assert f"{PROMISE}, held out" == json.loads(shown.stdout)["promise"]


def test_without_a_guarantee_one_line_says_so_and_an_audit_gives_one(tmp_path: Path, picked: Path) -> None:
    words, library = (*drawn(tmp_path), "--model", picked, "--max-error", "0.3"), tmp_path / "sorted"
    shown = illsort(*words, "--json")
    line = json.loads(shown.stdout)["no_guarantee"]

    assert 0 == shown.returncode
    assert line.startswith(
        "at most 30% wrong asked, an estimate, no guarantee: the labels were picked, not drawn by chance; for a "
    )
    assert (
        "answer 10 random pictures of what was filed (all, where fewer are), none of them wrong: "
        f"illsort audit {library} --count 10" in line
    )
    assert [line] == [one for one in illsort("status", library).stdout.splitlines() if "no guarantee" in one]
    with open_session(library) as session:
        while not session.state.is_finished:
            session.answer(AnnotationKind.RIGHT)
    again = json.loads(illsort(*words, "--json").stdout)
    assert "no_guarantee" not in again
    assert "guaranteed by the audit of" in again["promise"]
    assert "at most 0.0% wrong, 95% confidence; 0 of 7, all there are" in again["promise"]
    assert "no guarantee" not in illsort("status", library).stdout


@pytest.mark.parametrize(
    ("written", "words", "promises"),
    [
        ("threshold = 0.9\nmax_error = 0.05", (), True),
        ("threshold = 0.9", ("--max-error", "0.05"), True),
        ("max_error = 0.05", ("--threshold", "0.9"), False),
        ("threshold = 0.9", (), False),
    ],
)
def test_the_command_line_overrides_the_file_and_a_rate_a_threshold(
    tmp_path: Path, judged: Path, written: str, words: tuple[str, ...], promises: bool
) -> None:
    (tmp_path / "mine.toml").write_text(f"[sort]\n{written}\n", encoding="utf-8")
    shown = illsort(*drawn(tmp_path), "--model", judged, "--config", tmp_path / "mine.toml", "--json", *words)

    assert promises == ("promise" in json.loads(shown.stdout))


def test_what_was_chosen_for_the_machine_is_said_on_request(
    tmp_path: Path, judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_CACHE_HOME", "WIN_PD_OVERRIDE_LOCAL_APPDATA"):  # ONNX Runtime was never prepared for the model
        monkeypatch.setenv(name, str(tmp_path / "cache"))
    words = drawn(tmp_path)
    plain = illsort(*words, "--model", judged, "--dry-run", "--device", "cpu").stderr
    again = (*words, "--out", tmp_path / "another", "--model", judged, "--dry-run", "--device", "cpu")
    verbose = illsort(*again, "--verbose").stderr

    facts = ("Numbers float32", "Workers 0", "Batches of 32", "Engine torch")
    assert "Device cpu" in plain
    assert [] == [fact for fact in facts if fact in plain]
    assert [] == [fact for fact in facts if fact not in verbose]


def test_videos_and_archives_are_counted_by_kind_and_stay(
    tmp_path: Path, judged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zipfile.ZipFile(frames := io.BytesIO(), "w") as archive:
        archive.writestr("000000.jpg", b"")
    words = drawn(tmp_path)
    others: Tree = {"1.mp4": b"", "2.webm": b"", "3_ugoira.zip": frames.getvalue(), "set.rar": b"", "a.txt": b""}
    moving = animated_bytes("GIF", [COLORS["red"], COLORS["blue"]])
    make_tree(tmp_path / "crawl", others | {"moving.gif": moving})
    shown = illsort(*words, "--model", judged, "--mode", "move", "--json")
    left = "not pictures, left where they are: 2 videos, 1 Ugoira archive, 1 other archive"

    assert (2, 1, 1) == tuple(shown.json[kind] for kind in ("videos", "ugoira", "archives"))
    assert f"  {left}" in shown.stderr.splitlines()
    assert others == read_tree(tmp_path / "crawl")
    assert "moving.gif" in read_tree(tmp_path / "sorted")["red"]  # by its first frame
    assert f"{tmp_path / 'crawl'}: {left}" in illsort("status", tmp_path / "sorted").stdout.splitlines()
    monkeypatch.setenv("ILLSORT_LANG", "zh")
    assert "2 个视频" in illsort("status", tmp_path / "sorted").stdout
    (tmp_path / "crawl" / "1.mp4").unlink()
    monkeypatch.delenv("ILLSORT_LANG")
    illsort(*words, "--model", judged, "--mode", "move")
    assert "where they are: 1 video, 1 Ugoira" in illsort("status", tmp_path / "sorted").stdout
