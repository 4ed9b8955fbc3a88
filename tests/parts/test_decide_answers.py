"""Answers are decided into files exactly as a sort decides them, without a catalog, and never twice."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyarrow import parquet

from classifier.catalog.connection import read_catalog
from classifier.errors import IllsortError
from classifier.model.bundle import Bundle
from classifier.parts.decision_files import COLUMNS
from classifier.parts.listing_files import parquet_about
from classifier.records import Action
from classifier.settings import RuntimeSettings, Settings, SortSettings
from classifier.sort import decide_answers as module
from classifier.sort.decide_answers import decide_answers
from classifier.sort.pipeline import sort
from kit.answers import Answered, answered, rows_of
from kit.bucket import Bucket
from kit.bundles import color_bundle, with_another_head
from kit.commands import illsort
from kit.pictures import COLORS, encoded, plain, varied
from kit.tree import make_tree

ROOT = Path(__file__).resolve().parents[2]
COLORS_BETWEEN = [
    (COLORS[one], COLORS[other], share)
    for one, other in (("blue", "green"), ("green", "red"), ("red", "blue"))
    for share in (0.0, 0.2, 0.35, 0.42, 0.48)
]
CRAWL: dict[str, Any] = {
    f"{number:02}.png": encoded(
        plain(tuple(round((1 - share) * a + share * b) for a, b in zip(one, other, strict=True))), "PNG"
    )
    for number, (one, other, share) in enumerate(COLORS_BETWEEN)
}
CRAWL |= {f"v{seed}.png": encoded(varied(COLORS["red"], seed=seed), "PNG") for seed in range(3)}
CRAWL |= {
    "bad.png": b"<html>",
    "cut.jpg": encoded(varied((200, 30, 30), seed=1, size=(300, 300)), "JPEG")[:-200],
    "same.png": CRAWL["03.png"],
    "yellow.png": encoded(varied(COLORS["yellow"], seed=9), "PNG"),
}
OPTIONS = [{}, {"threshold": 0.6}, {"max_error": 0.3}, {"max_error": 0.001, "best": True}, {"max_error": 0.001}]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Bundle]:
    folder = tmp_path_factory.mktemp("models")
    first = color_bundle(folder / "first", evidence=300, novelty=True)
    return {
        "first": first,
        "another head": with_another_head(folder / "head", first, novelty=True),
        "another backbone": color_bundle(folder / "backbone", seed=1, novelty=True),
        "spreads": color_bundle(folder / "spreads", spreads=True, novelty=True),
    }


@pytest.fixture(scope="module")
def crawl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_tree(tmp_path_factory.mktemp("pictures") / "crawl", CRAWL)


@pytest.fixture(scope="module")
def made(crawl: Path, models: dict[str, Bundle]) -> Answered:
    return answered(crawl, models["first"], embeddings=True)


@pytest.fixture
def answers(tmp_path: Path, made: Answered) -> Path:
    return made.write(tmp_path / "answers")


def run(answers: Path | str, model: Bundle, to: Path | str, **options: Any) -> dict[str, Any]:
    return decide_answers(str(answers), bundle=model.folder, to=str(to), settings=Settings(), **options)


def read(folder: Path) -> list[dict[str, Any]]:
    """The rows of all files, by key."""
    rows = [row for path in sorted(folder.iterdir()) for row in parquet.read_table(path).to_pylist()]
    return sorted(rows, key=lambda row: str(row["key"]))


def sorted_as(library: Path, crawl: Path) -> list[dict[str, Any]]:
    """What a library's catalog says of each file, as a file of decisions would."""
    with read_catalog(library) as catalog:
        decided = catalog.connection.execute(
            "SELECT f.path, d.picture, d.action, d.category, d.confidence, d.reason_code, d.reason_params "
            "FROM files AS f JOIN decisions AS d ON d.picture = f.picture"
        ).fetchall()
    rows = [(Path(os.fsdecode(path)).relative_to(crawl).as_posix(), None, None, *row) for path, *row in decided]
    return [dict(zip(COLUMNS.names, row, strict=True)) for row in sorted(rows)]


def rounded(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row | {"confidence": round(row["confidence"], 5)} for row in rows]


def sorted_by(folder: Path, crawl: Path, model: Bundle, **options: Any) -> dict[str, Any]:
    settings = Settings(
        sort=SortSettings(neighbors=False, embeddings=True), runtime=RuntimeSettings(workers=0, device="cpu")
    )
    return sort(crawl, library=folder, bundle=model.folder, settings=settings, **options)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_decisions_are_those_of_a_sort(
    tmp_path: Path, crawl: Path, answers: Path, models: dict[str, Bundle], options: dict[str, Any]
) -> None:
    summary = run(answers, models["first"], tmp_path / "decisions", **options)
    sort_summary = sorted_by(tmp_path / "sorted", crawl, models["first"], **options)
    rows = read(tmp_path / "decisions")
    expected = sorted_as(tmp_path / "sorted", crawl)

    assert rounded(expected) == rounded([row for row in rows if row["action"] != "failed"])
    assert sorted(CRAWL) == [row["key"] for row in rows]
    assert len({row["action"] for row in rows}) >= 3
    assert sort_summary.get("promise") == summary.get("promise")
    assert ("no_guarantee" in sort_summary) == ("no_guarantee" in summary)
    assert sum(row["action"] == Action.FILE for row in rows) == summary["filed"] == sum(summary["categories"].values())
    assert sum(row["action"] == Action.REVIEW for row in rows) == summary["review"]


def test_what_could_not_be_read_has_failed_with_its_code(
    tmp_path: Path, answers: Path, models: dict[str, Bundle]
) -> None:
    summary = run(answers, models["first"], tmp_path / "decisions")
    (failed,) = [row for row in read(tmp_path / "decisions") if row["action"] == "failed"]

    assert "bad.png" == failed["key"]
    assert (None, None, "no_known_format", "{}") == tuple(
        failed[name] for name in ("category", "confidence", "reason", "params")
    )
    assert {"not a picture": 1} == summary["failures"]
    assert 1 == summary["failed"]


def test_a_head_on_frozen_features_decides_without_neighbors(
    tmp_path: Path, crawl: Path, models: dict[str, Bundle]
) -> None:
    model = models["spreads"]
    answers = answered(crawl, model).write(tmp_path / "answers")
    run(answers, model, tmp_path / "decisions", max_error=0.3)
    sorted_by(tmp_path / "sorted", crawl, model, max_error=0.3)

    found = [row for row in read(tmp_path / "decisions") if row["action"] != "failed"]
    assert rounded(sorted_as(tmp_path / "sorted", crawl)) == rounded(found)


def test_another_head_decides_by_what_is_kept(
    tmp_path: Path, crawl: Path, answers: Path, models: dict[str, Bundle]
) -> None:
    other = models["another head"]
    run(answers, other, tmp_path / "decisions", threshold=0.6)
    sorted_by(tmp_path / "sorted", crawl, models["first"])
    sorted_by(tmp_path / "sorted", crawl, other, threshold=0.6)

    names = ("key", "action", "category", "reason")
    found = [row for row in read(tmp_path / "decisions") if row["action"] != "failed"]
    expected = sorted_as(tmp_path / "sorted", crawl)
    assert [[row[name] for name in names] for row in expected] == [[row[name] for name in names] for row in found]
    np.testing.assert_allclose([row["confidence"] for row in expected], [row["confidence"] for row in found], rtol=1e-4)
    assert {row["category"] for row in found if row["action"] == Action.FILE} >= {"blue", "red"}


def test_another_backbone_or_answers_without_embeddings_are_refused(
    tmp_path: Path, crawl: Path, answers: Path, models: dict[str, Bundle]
) -> None:
    with pytest.raises(IllsortError, match="keep no embeddings of its backbone; run illsort predict with this one"):
        run(answers, models["another backbone"], tmp_path / "decisions")
    bare = answered(crawl, models["first"]).write(tmp_path / "bare")
    with pytest.raises(IllsortError, match="keep no embeddings of its backbone"):
        run(bare, models["another head"], tmp_path / "decisions")

    assert not (tmp_path / "decisions").exists()


def test_statistics_that_a_head_needs_and_answers_lack_are_one_line(tmp_path: Path, crawl: Path) -> None:
    plain_one = color_bundle(tmp_path / "plain")
    other = with_another_head(tmp_path / "other", plain_one, novelty=True)
    answers = answered(crawl, plain_one, embeddings=True).write(tmp_path / "answers")
    with pytest.raises(IllsortError, match="what it keeps of each picture is too little for this model's head"):
        run(answers, other, tmp_path / "decisions")


def test_what_is_decided_is_not_decided_again(
    tmp_path: Path, answers: Path, models: dict[str, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, to = models["first"], tmp_path / "decisions"
    first = run(answers, model, to, threshold=0.6)
    before = {path.name: path.stat().st_mtime_ns for path in to.iterdir()}
    next(iter(sorted(to.iterdir()))).unlink()
    real, decided = module.write_decisions, list[str]()
    monkeypatch.setattr(module, "write_decisions", lambda *given: (decided.append(given[1]), real(*given)))
    again = run(answers, model, to, threshold=0.6)

    assert [min(before)] == decided
    assert first["parts"] - 1 == again["parts_known"]
    assert {**first, "seconds": 0, "parts_known": 0} == {**again, "seconds": 0, "parts_known": 0}
    assert before.keys() == {path.name for path in to.iterdir()}
    other = run(answers, model, to, threshold=0.7)
    assert 0 == other["parts_known"]
    assert 2 * len(before) == len(list(to.iterdir()))
    assert other["decisions"] != first["decisions"]
    assert sorted(to.glob(Path(other["decisions"]).name)) == sorted(
        path for path in to.iterdir() if path.name not in before
    )


def test_equal_answers_give_equal_bytes(tmp_path: Path, answers: Path, models: dict[str, Bundle]) -> None:
    for name in ("one", "other"):
        run(answers, models["first"], tmp_path / name, max_error=0.3)

    one, other = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "other"))
    assert one == other


def test_a_stopped_run_leaves_whole_files_and_goes_on(
    tmp_path: Path, answers: Path, models: dict[str, Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run(answers, models["first"], tmp_path / "whole")
    real, left = module.write_decisions, [2]

    def stopping(*given: Any) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(module, "write_decisions", stopping)
        with pytest.raises(KeyboardInterrupt):
            run(answers, models["first"], tmp_path / "decisions")
    found = run(answers, models["first"], tmp_path / "decisions")

    assert 2 == found["parts_known"]
    assert read(tmp_path / "whole") == read(tmp_path / "decisions")
    assert expected["categories"] == found["categories"]


def test_the_same_image_twice_is_decided_equally(tmp_path: Path, crawl: Path, models: dict[str, Bundle]) -> None:
    made = answered(crawl, models["first"], part_size=100)
    twice = [row for row in rows_of(made.parts) if row["key"] in {"03.png", "same.png"}]
    threshold = float(twice[0]["probabilities"].max())
    twice[1]["logits"] = twice[1]["logits"] * np.float32(0.999)
    answers = made.write(tmp_path / "answers")
    run(answers, models["first"], tmp_path / "decisions", threshold=threshold - 1e-6)

    one, other = (row for row in read(tmp_path / "decisions") if row["key"] in {"03.png", "same.png"})
    assert one | {"key": ""} == other | {"key": ""}


def test_parts_without_answers_are_counted(tmp_path: Path, answers: Path, models: dict[str, Bundle]) -> None:
    files = sorted(answers.iterdir())
    files[1].unlink()
    assert 1 == run(answers, models["first"], tmp_path / "decisions")["parts_missing"]
    (answers / "answers.json").write_text('{"kind": "answers", "parts": 9}')
    assert 9 - len(files) + 1 == run(answers, models["first"], tmp_path / "decisions")["parts_missing"]
    done = illsort("decide", answers, "--model", models["first"].folder, "--to", tmp_path / "decisions")

    assert 1 == done.returncode
    assert "parts of the listing have no answers yet: run illsort predict again" in done.stdout


def test_a_bucket_is_decided_though_it_misbehaves(
    tmp_path: Path, made: Answered, answers: Path, models: dict[str, Bundle], bucket: Bucket
) -> None:
    for name, content in made.files().items():
        bucket.put(f"answers/{name}", content)
    bucket.server.faults += ["503", "truncated", "", "reset", "truncated"]
    found = run(f"{bucket.url}/answers", models["first"], f"{bucket.url}/decisions", max_error=0.3)
    expected = run(answers, models["first"], tmp_path / "decisions", max_error=0.3)

    assert [] == bucket.server.faults
    assert expected["categories"] == found["categories"]
    names, keys = [path.name for path in sorted((tmp_path / "decisions").iterdir())], bucket.keys()
    assert names == [key.rpartition("/")[2] for key in keys if key.startswith("decisions/")]
    for name in names:
        assert parquet.read_table(tmp_path / "decisions" / name).equals(_table(bucket, name))
    assert (
        len(names)
        == run(f"{bucket.url}/answers", models["first"], f"{bucket.url}/decisions", max_error=0.3)["parts_known"]
    )


def _table(bucket: Bucket, name: str) -> Any:
    import pyarrow as pa  # noqa: PLC0415 - of this alone

    return parquet.read_table(pa.BufferReader(bucket.get(f"decisions/{name}")))


def test_the_command_says_what_was_decided(tmp_path: Path, answers: Path, models: dict[str, Bundle]) -> None:
    words = ("decide", answers, "--model", models["first"].folder, "--to", tmp_path / "decisions")
    done = illsort(*words, "--max-error", "0.3", "--json")
    again = illsort(*words, "--max-error", "0.3")

    assert 1 == done.returncode == again.returncode
    summary = done.json
    assert len(CRAWL) == summary["pictures"] == sum(summary[name] for name in ("filed", "review", "unknown", "failed"))
    assert summary["promise"] in again.stdout
    assert f"{summary['filed']} to be filed in 3 categories" in again.stdout
    assert f"{summary['categories']['red']} red" in again.stdout
    assert "1 that could not be read" in again.stdout
    assert summary["decisions"] in again.stdout
    refused = illsort("decide", answers, "--model", models["first"].folder, "--to", tmp_path, "--best")
    assert (2, 1) == (refused.returncode, len(refused.stderr.splitlines()))


@pytest.mark.parametrize("model", ["first", "another head"])
def test_deciding_needs_no_torch(tmp_path: Path, answers: Path, models: dict[str, Bundle], model: str) -> None:
    program = (
        "import sys\nfrom classifier.cli.main import run\n"
        "try:\n    run()\nfinally:\n    print(sorted(sys.modules.keys() & {'torch', 'timm', 'sklearn', 'torchvision'}))"
    )
    words = [
        "decide",
        str(answers),
        "--model",
        str(models[model].folder),
        "--to",
        str(tmp_path / "to"),
        "--max-error",
        "0.3",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program, *words], env=environment, capture_output=True, text=True, check=False
    )

    assert 1 == done.returncode, done.stderr
    assert "[]" == done.stdout.splitlines()[-1]


def test_a_damaged_file_of_decisions_is_one_line(tmp_path: Path, answers: Path, models: dict[str, Bundle]) -> None:
    run(answers, models["first"], tmp_path / "decisions")
    name = min(path.name for path in (tmp_path / "decisions").iterdir())
    (tmp_path / "decisions" / name).write_bytes(b"PAR1")
    with pytest.raises(IllsortError, match=f"{name}: is damaged, or no decisions of illsort"):
        run(answers, models["first"], tmp_path / "decisions")


def test_a_model_that_cannot_be_opened_is_one_line(tmp_path: Path, answers: Path) -> None:
    done = illsort("decide", answers, "--model", tmp_path / "none", "--to", tmp_path / "decisions")

    assert (2, 1) == (done.returncode, len(done.stderr.splitlines()))


def test_answers_made_anew_are_decided_anew(tmp_path: Path, made: Answered, models: dict[str, Bundle]) -> None:
    answers, to = made.write(tmp_path / "answers"), tmp_path / "decisions"
    run(answers, models["first"], to)
    fewer = replace(made, parts=[made.parts[0][1:], *made.parts[1:]])
    fewer.write(answers)
    summary = run(answers, models["first"], to)

    assert len(CRAWL) - 1 == summary["pictures"] == len(read(to))


def test_answers_to_another_listing_are_refused(tmp_path: Path, answers: Path, models: dict[str, Bundle]) -> None:
    other = make_tree(tmp_path / "other", {name: CRAWL[name] for name in sorted(CRAWL)[:5]})
    run(answers, models["first"], tmp_path / "decisions")
    before = read(tmp_path / "decisions")
    more = replace(answered(other, models["first"]), source="file:///other").write(tmp_path / "more")
    with pytest.raises(IllsortError, match="decides pictures of file:///crawl, and these answers are of file:///other"):
        run(more, models["first"], tmp_path / "decisions")

    assert before == read(tmp_path / "decisions")


def test_files_say_the_guarantee_that_is_printed(tmp_path: Path, answers: Path, models: dict[str, Bundle]) -> None:
    for max_error in (0.3, 0.31):
        summary = run(answers, models["first"], tmp_path / "decisions", max_error=max_error)
        files = list((tmp_path / "decisions").glob(Path(summary["decisions"]).name))
        said = {parquet_about(parquet.read_schema(path))["guarantee"] for path in files}
        assert {summary["promise"]} == said


def test_a_picture_without_usable_embeddings_fails_alone(
    tmp_path: Path, made: Answered, models: dict[str, Bundle]
) -> None:
    rows = [dict(row) for row in made.parts[0]]
    place = next(number for number, row in enumerate(rows) if "failure" not in row)
    rows[place]["scales"] = [float("inf"), 1.0]
    answers = replace(made, parts=[rows, *made.parts[1:]]).write(tmp_path / "answers")
    summary = run(answers, models["another head"], tmp_path / "decisions")

    (failed,) = [row for row in read(tmp_path / "decisions") if row["reason"] == "not_kept"]
    assert (rows[place]["key"], "failed", None) == (failed["key"], failed["action"], failed["category"])
    assert 1 == summary["failures"]["not_kept"]


def with_params(made: Answered, params: str) -> Answered:
    parts = [[row | {"failure_params": params} if "failure" in row else row for row in part] for part in made.parts]
    return replace(made, parts=parts)


def test_parameters_of_a_reason_may_have_any_name(tmp_path: Path, made: Answered, models: dict[str, Bundle]) -> None:
    answers = with_params(made, '{"code": 1}').write(tmp_path / "answers")
    run(answers, models["first"], tmp_path / "decisions")

    assert ['{"code": 1}'] == [row["params"] for row in read(tmp_path / "decisions") if row["action"] == "failed"]


def test_parameters_nested_too_deeply_are_one_line(tmp_path: Path, made: Answered, models: dict[str, Bundle]) -> None:
    answers = with_params(made, "[" * 100_000).write(tmp_path / "answers")
    with pytest.raises(IllsortError, match="is damaged"):
        run(answers, models["first"], tmp_path / "decisions")


def test_answers_to_two_listings_in_one_folder_are_refused(
    tmp_path: Path, made: Answered, models: dict[str, Bundle]
) -> None:
    made.write(tmp_path / "answers")
    last = len(made.parts) - 1
    other = replace(made, source="file:///other").files()
    name = sorted(other)[last]
    (tmp_path / "answers" / name).write_bytes(other[name])
    with pytest.raises(IllsortError, match="holds answers to file:///crawl and to file:///other"):
        run(tmp_path / "answers", models["first"], tmp_path / "decisions")


def test_a_part_has_one_name(tmp_path: Path, answers: Path, made: Answered, models: dict[str, Bundle]) -> None:
    name, content = next(iter(made.files().items()))
    (answers / name.replace("part-00000", "part-000000")).write_bytes(content)

    assert len(CRAWL) == run(answers, models["first"], tmp_path / "decisions")["pictures"]
