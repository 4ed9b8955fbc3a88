from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from pyarrow import parquet

from classifier.catalog.halves import from_halves
from classifier.errors import IllsortError, ModelError, SettingsError, StorageError
from classifier.inference.settled import settled_runtime
from classifier.model.bundle import open_bundle
from classifier.model.calibration import probabilities
from classifier.model.combined_head import logits_of
from classifier.parts import predictor
from classifier.parts.answer_settings import ANSWERS_FILE
from classifier.parts.answers_meta import AnswersMeta, answers_name
from classifier.parts.predict import Predicted, Where, predict_parts, where_from
from classifier.progress import SilentProgress, SilentStage
from classifier.settings import RuntimeSettings, Settings
from kit.bundles import CATEGORIES, color_bundle
from kit.commands import illsort
from kit.listings import COLOR_NAMES, drawn, hashes, in_folder, listed, members_of, rows_in, rows_of, tar_of
from kit.readers import Fragile

if TYPE_CHECKING:
    from classifier.errors import Message
    from kit.bucket import Bucket

PROCESSES = Where(processes=2)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with everything that a row of answers can hold."""
    return color_bundle(tmp_path_factory.mktemp("model") / "m", novelty=True, combined=True, labeled=True).folder


def predict(parts: str, model: Path, answers: Path | str, **options: Any) -> Predicted:
    """Answer a listing, silently."""
    given = {"settings": Settings(), "progress": SilentProgress()} | options
    return predict_parts(parts, model=model, answers=str(answers), **given)


def test_answers_are_the_same_bytes_here_and_in_processes(tmp_path: Path, model: Path) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(60)))

    done = predict(parts, model, tmp_path / "here", embeddings=True)
    predict(parts, model, tmp_path / "processes", embeddings=True, where=PROCESSES)

    assert (0, list(range(6)), []) == (done.before, [one.number for one in done.outcome.done], done.outcome.failed)
    found = hashes(tmp_path / "here")
    key = open_bundle(model).manifest.key
    assert [f"answers.{key[:12]}.json", ANSWERS_FILE, *(answers_name(number, key) for number in range(6))] == list(
        found
    )
    assert found == hashes(tmp_path / "processes")


def test_a_row_holds_what_the_model_says_of_its_picture(tmp_path: Path, model: Path) -> None:
    rows = in_folder(tmp_path / "crawl", drawn(12))
    predict(listed(tmp_path / "parts", tmp_path / "crawl", rows), model, tmp_path / "to", embeddings=True)

    found = rows_in(tmp_path / "to")
    assert [row.key for row in rows] == [row["key"] for row in found]
    best = [CATEGORIES[int(np.argmax(row["probabilities"]))] for row in found]
    assert [COLOR_NAMES[number % 3] for number in range(12)] == best
    assert {(64, 48, False, None)} == {
        tuple(row[name] for name in ("width", "height", "truncated", "failure")) for row in found
    }
    assert all(row["ood_score"] is not None and row["look"] for row in found)
    logits = np.array([row["logits"] for row in found], dtype=np.float32)
    shares = np.array([row["probabilities"] for row in found])
    assert np.allclose(probabilities(logits, 1.0), shares, atol=1e-6)
    halves = [np.array([row[name] for row in found], dtype=np.float16) for name in ("embedding", "stats")]
    scales = np.array([row["scales"] for row in found], dtype=np.float32)
    kept = [from_halves(half, scales[:, column]) for column, half in enumerate(halves)]
    assert np.allclose(logits, logits_of(open_bundle(model).load_head(), kept[0], kept[1]), atol=0.05)


def test_a_file_of_answers_says_who_answered_what(tmp_path: Path, model: Path) -> None:
    rows = in_folder(tmp_path / "crawl", drawn(12))
    predict(listed(tmp_path / "parts", tmp_path / "crawl", rows), model, tmp_path / "to")

    manifest = open_bundle(model).manifest
    meta = AnswersMeta.from_metadata(parquet.read_schema(tmp_path / "to" / answers_name(1, manifest.key)).metadata)
    expected = AnswersMeta(
        categories=CATEGORIES,
        model=manifest.key,
        backbone=manifest.backbone_key,
        temperature=1.0,
        source=(tmp_path / "crawl").as_posix(),
        part=1,
    )
    assert expected == meta


def test_members_of_tar_files_are_answered_as_loose_pictures(tmp_path: Path, model: Path) -> None:
    pictures = drawn(60)
    predict(
        listed(tmp_path / "p", tmp_path / "crawl", in_folder(tmp_path / "crawl", pictures)), model, tmp_path / "loose"
    )
    names = list(pictures)
    tars = {f"{n}.tar": tar_of({name: pictures[name] for name in names[n * 20 : n * 20 + 20]}) for n in range(3)}
    in_folder(tmp_path / "tars", tars)
    members = [row for name, content in tars.items() for row in members_of(tmp_path / "tars", name, content)]
    parts = listed(tmp_path / "parts", tmp_path / "tars", members)

    predict(parts, model, tmp_path / "here")
    predict(parts, model, tmp_path / "processes", where=PROCESSES)

    assert hashes(tmp_path / "here") == hashes(tmp_path / "processes")
    columns = ("image_id", "logits", "probabilities", "ood_score", "width", "height")
    said = [[tuple(map(str, map(row.get, columns))) for row in rows_in(tmp_path / name)] for name in ("loose", "here")]
    assert said[0] == said[1]


def test_a_bucket_is_answered_as_a_folder(tmp_path: Path, model: Path, bucket: Bucket) -> None:
    pictures = drawn(60)
    predict(
        listed(tmp_path / "p", tmp_path / "crawl", in_folder(tmp_path / "crawl", pictures)), model, tmp_path / "loose"
    )
    for name, content in pictures.items():
        bucket.put(f"crawl/{name}", content)
    source, answers = f"{bucket.url}/crawl", f"{bucket.url}/answers"
    listed(f"{bucket.url}/parts", source, rows_of(source, pictures))

    predict(f"{bucket.url}/parts", model, tmp_path / "here")
    bucket.server.faults += ["503", "truncated", "", "truncated", "reset"]
    done = predict(f"{bucket.url}/parts", model, answers, where=PROCESSES)

    assert [] == done.outcome.failed
    stored = {
        key.removeprefix("answers/"): bucket.get(key) for key in sorted(bucket.keys()) if key.startswith("answers/")
    }
    assert {file.name: file.read_bytes() for file in (tmp_path / "here").iterdir()} == stored
    said = [[row["logits"] for row in rows_in(tmp_path / name)] for name in ("loose", "here")]
    assert said[0] == said[1]


def test_parts_that_are_answered_are_skipped_and_a_lost_one_comes_back(tmp_path: Path, model: Path) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(30)))
    predict(parts, model, tmp_path / "to")
    before = hashes(tmp_path / "to")
    lost = sorted(tmp_path.glob("to/part-*"))[1]
    lost.unlink()

    again = predict(parts, model, tmp_path / "to")
    third = predict(parts, model, tmp_path / "to")

    assert (2, [1]) == (again.before, [one.number for one in again.outcome.done])
    assert (3, []) == (third.before, third.outcome.done)
    assert before == hashes(tmp_path / "to")


class Pressed(SilentProgress):
    """Somebody presses Ctrl-C after the first pictures."""

    def stage(self, name: Message, *, total: int | None, unit: str) -> Any:  # noqa: ARG002 - as `Progress` has it
        """A stage that is interrupted."""

        class Interrupted(SilentStage):
            def advance(self, count: int = 1) -> None:  # noqa: ARG002 - as `Stage` has it
                raise KeyboardInterrupt

        return nullcontext(Interrupted())


@pytest.mark.parametrize("where", [Where(), PROCESSES], ids=["here", "processes"])
def test_ctrl_c_leaves_whole_files_and_the_same_command_goes_on(tmp_path: Path, model: Path, where: Where) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(30)))
    predict(parts, model, tmp_path / "all")

    with pytest.raises(KeyboardInterrupt):
        predict(parts, model, tmp_path / "to", where=where, progress=Pressed())
    left = hashes(tmp_path / "to")
    done = predict(parts, model, tmp_path / "to", where=where)

    assert [] == done.outcome.failed
    whole = hashes(tmp_path / "all")
    assert {name: whole.get(name) for name in left} == left
    assert whole == {name: one for name, one in hashes(tmp_path / "to").items() if not name.startswith(".")}


def test_one_part_can_be_answered_by_itself(tmp_path: Path, model: Path) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(30)))
    predict(parts, model, tmp_path / "all")
    for number in (2, 0, 1):
        done = predict(parts, model, tmp_path / "each", only=number)
        assert [number] == [one.number for one in done.outcome.done]

    assert hashes(tmp_path / "all") == hashes(tmp_path / "each")
    with pytest.raises(StorageError, match="has 3 parts, from 0 to 2"):
        predict(parts, model, tmp_path / "each", only=3)


def test_what_cannot_be_read_is_a_row_that_says_why(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(predictor, "Reader", Fragile)
    whole = drawn(1)["000.png"]
    pictures = {
        "a.png": whole,
        "broken.png": b"\x89PNG\r\n\x1a\n" + b"junk" * 9,
        "changed.png": whole,
        "empty.png": b"",
        "gone.png": whole,
        "kill-1.png": whole,
        "text.png": b"no picture",
        "z.png": whole,
    }
    rows = in_folder(tmp_path / "crawl", pictures)
    parts = listed(tmp_path / "parts", tmp_path / "crawl", rows)
    (tmp_path / "crawl/gone.png").unlink()
    os.utime(tmp_path / "crawl/changed.png", ns=(1, 1))

    done = predict(parts, model, tmp_path / "to", embeddings=True)

    expected = {
        "a.png": None,
        "broken.png": "decoder",
        "changed.png": "changed",
        "empty.png": "empty_file",
        "gone.png": "gone",
        "kill-1.png": "decoder_died",
        "text.png": "no_known_format",
        "z.png": None,
    }
    found = rows_in(tmp_path / "to")
    assert expected == {row["key"]: row["failure_code"] for row in found}
    assert {"kill-1.png": '{"signal": 9}'} == {
        row["key"]: row["failure_params"] for row in found if row["failure"] == "crashed the decoder"
    }
    assert 6 == done.outcome.done[0].failures
    assert all((row["failure"] is None) == (row["logits"] is not None) for row in found)


def test_a_member_that_changed_or_went_is_a_row_that_says_so(tmp_path: Path, model: Path) -> None:
    content = tar_of(drawn(3))
    in_folder(tmp_path / "tars", {"a.tar": content, "b.tar": content, "c.tar": content})
    members = [row for name in "abc" for row in members_of(tmp_path / "tars", f"{name}.tar", content)]
    members[0] = members[0]._replace(size_bytes=2**40)
    parts = listed(tmp_path / "parts", tmp_path / "tars", members)
    (tmp_path / "tars/b.tar").unlink()
    os.utime(tmp_path / "tars/c.tar", ns=(1, 1))

    predict(parts, model, tmp_path / "to")

    codes = [row["failure_code"] for row in rows_in(tmp_path / "to")]
    assert ["length_limit", None, None, "gone", "gone", "gone", "changed", "changed", "changed"] == codes


def test_a_file_of_answers_holds_rows_where_nothing_can_be_read(tmp_path: Path, model: Path) -> None:
    rows = in_folder(tmp_path / "crawl", {"a.png": b"", "b.png": b""})
    predict(listed(tmp_path / "parts", tmp_path / "crawl", rows), model, tmp_path / "to", embeddings=True)

    assert ["empty", "empty"] == [row["failure"] for row in rows_in(tmp_path / "to")]


def test_other_settings_are_refused_in_a_line_that_says_both(tmp_path: Path, model: Path) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(20)))
    predict(parts, model, tmp_path / "to", only=0)

    with pytest.raises(StorageError, match="embeddings = false, this command true"):
        predict(parts, model, tmp_path / "to", embeddings=True)
    smaller = Settings.model_validate({"images": {"max_megapixels": 8}})
    with pytest.raises(StorageError, match=r"max_megapixels = 64\.0, this command 8\.0"):
        predict(parts, model, tmp_path / "to", settings=smaller)
    together = Settings.model_validate({"runtime": {"batch_size": 8}})
    with pytest.raises(StorageError, match="batch_size = 32, this command 8"):
        predict(parts, model, tmp_path / "to", settings=together)
    other = listed(tmp_path / "parts2", tmp_path / "crawl", rows_of(tmp_path / "crawl", drawn(10)))
    with pytest.raises(StorageError, match="parts = 2, this command 1"):
        predict(other, color_bundle(tmp_path / "m", seed=1).folder, tmp_path / "to")


def test_a_folder_whose_name_is_not_unicode_is_answered(tmp_path: Path, model: Path) -> None:
    crawl = Path(os.fsdecode(os.fsencode(tmp_path) + b"/cr\x83wl"))
    try:
        rows = in_folder(crawl, drawn(12))
    except OSError:
        pytest.skip("this system has no such names")
    parts = listed(tmp_path / "parts", crawl, rows)

    predict(parts, model, tmp_path / "to", only=0)
    done = predict(parts, model, tmp_path / "to")

    assert (1, []) == (done.before, done.outcome.failed)
    assert [None] * 12 == [row["failure"] for row in rows_in(tmp_path / "to")]


def test_a_part_is_not_put_beside_answers_of_other_settings(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.parts.one_by_one.pause_s", lambda _: 0.0)
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(2)))

    class Changing(SilentProgress):
        def stage(self, name: Message, *, total: int | None, unit: str) -> Any:
            for path in (tmp_path / "to").glob("answers*.json"):
                path.write_text(path.read_text().replace('"temperature": 1.0', '"temperature": 2.0'))
            return super().stage(name, total=total, unit=unit)

    done = predict(parts, model, tmp_path / "to", progress=Changing())

    assert ["temperature = 2.0" in one.why for one in done.outcome.failed] == [True]
    assert [] == list(tmp_path.glob("to/part-*"))


def test_a_model_that_cannot_be_run_is_one_line_also_in_processes(tmp_path: Path) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(20)))
    bundle = color_bundle(tmp_path / "m")
    weights = bundle.folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-8])

    for where in (Where(), PROCESSES):
        with pytest.raises(IllsortError, match=r"model\.safetensors"):
            predict(parts, bundle.folder, tmp_path / "to", where=where)
    assert [] == sorted(tmp_path.glob("to/part-*"))


def test_a_machine_that_computes_otherwise_is_refused(tmp_path: Path, model: Path) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(1)))
    predict(parts, model, tmp_path / "to")
    jobs: list[predictor.Job] = []

    class Kept(predictor.Predictor):
        def __init__(self, job: predictor.Job, *others: Any) -> None:
            jobs.append(job)
            super().__init__(job, *others)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("classifier.parts.predict.Predictor", Kept)
        predict(parts, model, tmp_path / "again")
    runtime = settled_runtime(RuntimeSettings(batch_size=8))

    with pytest.raises(ModelError, match="computes on cpu, float32, 8, the answers on cpu, float32, 32"):
        predictor.Predictor(jobs[0], runtime)


def test_embeddings_that_no_other_model_could_use_are_refused(model: Path) -> None:
    bundle = open_bundle(model)
    bundle.manifest = bundle.manifest.model_copy(update={"backbone_sha256": ""})

    with pytest.raises(ModelError, match="leave out --embeddings"):
        predictor.check_embeddings(bundle)


def test_a_damaged_part_is_listed_and_the_others_are_answered(tmp_path: Path, model: Path) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(30)))
    (tmp_path / "parts/part-00001.parquet").write_bytes(b"damaged")

    for where, name in ((Where(), "here"), (PROCESSES, "processes")):
        done = predict(parts, model, tmp_path / name, where=where)
        assert [(1, True)] == [(one.number, "is damaged" in one.why) for one in done.outcome.failed]
        assert [0, 2] == sorted(one.number for one in done.outcome.done)


def test_a_bucket_that_never_answers_ends_with_a_list(
    tmp_path: Path, model: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifier.parts.retries.WAITS_S", (0.0,))
    monkeypatch.setattr("classifier.parts.one_by_one.pause_s", lambda _: 0.0)
    pictures = drawn(50)
    for name, content in pictures.items():
        bucket.put(name, content)
    parts = listed(tmp_path / "parts", bucket.url, rows_of(bucket.url, pictures))
    bucket.server.forever = "503"

    done = predict(parts, model, tmp_path / "to")

    assert [0, 1, 2, 3, 4] == [one.number for one in done.outcome.failed]
    assert all("reduce your request rate" in one.why for one in done.outcome.failed)
    bucket.server.behave()
    assert [] == predict(parts, model, tmp_path / "to").outcome.failed


def test_nothing_fetched_is_left_behind(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    content = tar_of(drawn(30))
    in_folder(tmp_path / "tars", {"a.tar": content})
    parts = listed(tmp_path / "parts", tmp_path / "tars", members_of(tmp_path / "tars", "a.tar", content))

    predict(parts, model, tmp_path / "to")

    assert [] == [path.name for path in temporary.iterdir() if path.name.startswith("illsort")]


def test_what_a_killed_run_was_writing_is_removed_once_it_is_old(tmp_path: Path, model: Path) -> None:
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(1)))
    old, young = (tmp_path / "to" / f".part-00000.{'a' * 12}.parquet.{end * 16}.part" for end in "01")
    in_folder(tmp_path / "to", {old.name: b"half", young.name: b"half", ".mine.part": b"mine"})
    for path in (old, tmp_path / "to/.mine.part"):
        os.utime(path, (1, 1))

    predict(parts, model, tmp_path / "to")

    assert {young.name, ".mine.part"} == {path.name for path in (tmp_path / "to").glob(".*")}


def test_the_command_says_what_it_did(tmp_path: Path, model: Path) -> None:
    rows = in_folder(tmp_path / "crawl", drawn(20) | {"broken.png": b"no picture"})
    parts = listed(tmp_path / "parts", tmp_path / "crawl", rows)

    first = illsort("predict", parts, "--model", model, "--to", tmp_path / "to", "--json")
    again = illsort("predict", parts, "--model", model, "--to", tmp_path / "to")
    wrong = illsort("predict", parts, "--model", model, "--to", tmp_path / "to", "--on", "mars")

    assert (1, 3, 21, 1, []) == (
        first.returncode,
        *(first.json[name] for name in ("answered", "pictures", "unreadable", "failed")),
    )
    assert (0, True) == (again.returncode, "3 were answered before" in again.stdout)
    assert (2, True) == (wrong.returncode, "--on mars: give here" in wrong.stderr)


def test_where_is_read_as_it_is_written() -> None:
    assert (Where(), Where(processes=12), Where(ray=""), Where(ray="auto")) == tuple(
        map(where_from, ("here", "processes:12", "ray", "ray:auto"))
    )
    for wrong in ("processes", "processes:0", "processes:x", "rays", ""):
        with pytest.raises(SettingsError):
            where_from(wrong)
