"""Weights are fetched whole and checked, or not at all; what broke off goes on, and what cannot be had is one line."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from filelock import FileLock

from classifier.errors import ModelError
from classifier.model import fetch
from classifier.model.backbone import load_backbone
from classifier.model.fetch import Fetcher
from classifier.model.hub_hosts import ways_out
from classifier.setting_sections import HubSettings, ModelSettings
from kit.hub import repository
from kit.hub_server import COMMIT, WEIGHTS, Hub, running
from kit.progress import SavingProgress

CONTENT = random.Random(0).randbytes(300_000)
HALF = len(CONTENT) // 2
NAME = "hf-hub:someone/something"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A hub with one repository, and caches that are empty."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("classifier.model.modelscope.user_cache_path", lambda *_, **__: tmp_path / "illsort")
    with running(monkeypatch) as server:
        server.files = {"config.json": b"{}", WEIGHTS: CONTENT}
        yield server


def fetched(hub: Hub, name: str = NAME, *, allow_pickle: bool = False) -> tuple[Path, SavingProgress]:
    progress = SavingProgress()
    settings = HubSettings(endpoint=hub.url)
    return Fetcher(hub=settings, allow_pickle=allow_pickle, progress=progress).folder(name), progress


def failed(hub: Hub, name: str = NAME, *, allow_pickle: bool = False) -> str:
    with pytest.raises(ModelError) as caught:
        fetched(hub, name, allow_pickle=allow_pickle)
    assert 1 == len(str(caught.value).splitlines())
    return str(caught.value)


def kept(tmp_path: Path) -> dict[str, int]:
    """What of the weights is in the caches: a part, or the whole under the name by which it is found."""
    names = ("*.incomplete", "*.part", WEIGHTS)
    return {path.suffix: path.stat().st_size for name in names for path in tmp_path.rglob(name)}


def test_only_the_config_and_the_weights_are_fetched_into_the_hubs_own_cache(hub: Hub, tmp_path: Path) -> None:
    hub.files["optimizer.bin"] = b"large"
    folder, progress = fetched(hub)

    assert tmp_path / "hub/models--someone--something/snapshots" / COMMIT == folder
    assert {"config.json": b"{}", WEIGHTS: CONTENT} == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert COMMIT == (folder.parents[1] / "refs/main").read_text()
    assert [] == list((folder.parents[1] / "blobs").iterdir())
    assert not any("optimizer" in one for one in hub.asked)
    [bar] = [stage for stage in progress.stages if stage.name == f"downloading {WEIGHTS}"]
    assert (len(CONTENT), len(CONTENT)) == (bar.total, bar.done)
    assert f"downloading {WEIGHTS} (0 MB) from {hub.url}" in progress.messages


def test_what_is_in_the_cache_is_used_without_a_network(hub: Hub) -> None:
    first, _ = fetched(hub)
    hub.asked.clear()
    again, progress = fetched(hub)

    assert (first, [], []) == (again, hub.asked, progress.messages)


def test_offline_the_cache_is_used_or_a_line_says_what_is_missing(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    fetched(hub)
    hub.asked.clear()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)

    assert fetched(hub)[0].is_dir()
    assert "HF_HUB_OFFLINE is set, and config.json is not in " in failed(hub, "hf-hub:someone/else")
    assert "HF_HUB_OFFLINE is set, and config.json is not in " in failed(hub, "modelscope:someone/something")
    assert [] == hub.asked


def test_the_address_of_the_settings_comes_before_that_of_the_environment(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    fetched(hub)
    monkeypatch.setenv("HF_ENDPOINT", f"{hub.url}/")

    assert Fetcher().folder("hf-hub:someone/other").is_dir()


def test_weights_that_lie_on_another_host_are_followed_also_for_a_part(hub: Hub) -> None:
    hub.elsewhere, hub.faults = True, ["break"]
    folder, _ = fetched(hub)

    assert CONTENT == (folder / WEIGHTS).read_bytes()
    assert ["all", f"{HALF}-"] == hub.ranges


def test_a_proxy_may_give_the_plain_hash_of_a_small_file(hub: Hub) -> None:
    hub.digests["config.json"] = hashlib.sha1(b"{}", usedforsecurity=False).hexdigest()
    assert fetched(hub)[0].is_dir()
    hub.digests["config.json"] = "0" * 40
    assert "config.json came damaged" in failed(hub, "hf-hub:someone/other")


@pytest.mark.parametrize("fault", ["break", "stall"])
def test_what_breaks_off_goes_on_where_it_was(hub: Hub, fault: str) -> None:
    hub.faults = [fault]
    folder, progress = fetched(hub)

    assert CONTENT == (folder / WEIGHTS).read_bytes()
    assert ["all", f"{HALF}-"] == hub.ranges
    assert [1] == [one.count("it is tried again in 0 s") for one in progress.messages if "tried again" in one]


@pytest.mark.parametrize("at", ["hf-hub", "modelscope"])
def test_the_next_run_goes_on_from_what_was_fetched(
    hub: Hub, at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSCOPE_DOMAIN", hub.url)
    hub.faults = ["break", *["503"] * 9]
    says = failed(hub, f"{at}:someone/something")
    assert f"{hub.url} answers with the error 503" in says
    assert [HALF] == list(kept(tmp_path).values())
    hub.faults.clear()
    hub.asked.clear()
    folder, progress = fetched(hub, f"{at}:someone/something")

    assert CONTENT == (folder / WEIGHTS).read_bytes()
    assert [f"{HALF}-"] == hub.ranges
    assert f"going on after 0 MB of {WEIGHTS}" in progress.messages


def test_a_host_that_knows_no_ranges_sends_all_again(hub: Hub) -> None:
    hub.faults = ["break", "whole"]
    folder, _ = fetched(hub)

    assert CONTENT == (folder / WEIGHTS).read_bytes()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("short", f"says that it has {len(CONTENT):,} bytes, and sends {HALF:,}"),
        ("long", f"says that it has {len(CONTENT):,} bytes, and sends {len(CONTENT) + 4:,}"),
        ("garbled", "its hash is not the one that"),
    ],
)
def test_what_is_not_the_file_described_is_never_kept(hub: Hub, fault: str, says: str, tmp_path: Path) -> None:
    hub.faults = [fault]
    said = failed(hub)

    assert f"{WEIGHTS} came damaged: " in said
    assert says in said
    assert {} == kept(tmp_path)
    assert fetched(hub)[0].joinpath(WEIGHTS).read_bytes() == CONTENT


def test_a_size_that_was_described_wrong_is_found_out(hub: Hub, tmp_path: Path) -> None:
    hub.headers["X-Linked-Size"] = str(len(CONTENT) + 7)

    assert "came damaged" in failed(hub)
    assert {} == kept(tmp_path)


def test_a_beginning_that_does_not_fit_is_fetched_anew(hub: Hub, tmp_path: Path) -> None:
    """As where a disk lost what was written; the hash of the whole tells."""
    part = tmp_path / "hub/models--someone--something/blobs" / f"{hub.digest(WEIGHTS)}.incomplete"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 1000)
    folder, progress = fetched(hub)

    assert CONTENT == (folder / WEIGHTS).read_bytes()
    assert ["1000-", "all"] == hub.ranges
    assert any("it is downloaded from the beginning" in one for one in progress.messages)


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_busy_host_is_asked_again(hub: Hub, status: int) -> None:
    hub.refusals, hub.faults = [status, 200], [str(status)]
    folder, progress = fetched(hub)

    assert CONTENT == (folder / WEIGHTS).read_bytes()
    assert 2 == sum(f"answers with the error {status}; it is tried again" in one for one in progress.messages)


@pytest.mark.parametrize(
    ("status", "says"),
    [
        (401, "log in with `hf auth login`"),
        (403, "log in with `hf auth login`"),
        (404, "has no someone/something"),
        (418, "answers with the error 418"),
    ],
)
def test_a_refusal_is_one_line_with_three_ways_out(hub: Hub, status: int, says: str) -> None:
    hub.refusals = [status]
    said = failed(hub)

    assert said.startswith(f"model.backbone = {NAME}: ")
    assert says in said
    assert 1 == len(hub.asked)
    for way in ("hub.endpoint=https://hf-mirror.com", "model.backbone=modelscope:OWNER/NAME", "local-dir:/folder"):
        assert way in said


def test_the_copy_at_modelscope_is_named_where_one_is_known(hub: Hub) -> None:
    hub.refusals = [404, 404]

    assert "modelscope:fireicewolf/wd-vit-tagger-v3)" in failed(hub, "hf-hub:SmilingWolf/wd-vit-tagger-v3")
    assert "modelscope:timm/resnet18.a1_in1k)" in failed(hub, "hf-hub:timm/resnet18.a1_in1k")


def test_the_ways_out_are_other_ones_than_what_was_tried(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSCOPE_DOMAIN", hub.url)
    hub.refusals = [404]
    said = failed(hub, "modelscope:fireicewolf/wd-vit-tagger-v3")
    assert "take the hub (model.backbone=hf-hub:SmilingWolf/wd-vit-tagger-v3) or a mirror of it" in said
    assert "modelscope:" not in said.partition("take the hub")[2]

    mirrored = HubSettings(endpoint="https://hf-mirror.com")
    assert "hub.endpoint=https://huggingface.co," in ways_out("hf-hub:someone/something", mirrored, {})


def test_nobody_who_answers_is_one_line_after_some_tries(hub: Hub) -> None:
    hub.url = "http://127.0.0.1:9"

    assert "the connection to http://127.0.0.1:9 failed: " in failed(hub)


def test_who_is_no_hub_is_told_apart(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.headers["X-Repo-Commit"] = "../../elsewhere"
    assert "does not answer as a model hub does" in failed(hub)
    monkeypatch.setenv("MODELSCOPE_DOMAIN", f"{hub.url}/config.json?")
    assert "does not answer as ModelScope does" in failed(hub, "modelscope:someone/something")


@pytest.mark.parametrize(
    "name", ["hf-hub:a/b/c", "hf-hub:a/b@../x", "modelscope:a", "modelscope:a/..", "modelscope:a/b/c"]
)
def test_what_is_no_name_of_a_repository_is_one_line(hub: Hub, name: str) -> None:
    assert "is no name of a repository; give owner/name" in failed(hub, name)
    assert [] == hub.asked


def test_a_pickle_is_fetched_only_where_it_is_allowed(hub: Hub) -> None:
    hub.files = {"config.json": b"{}", "pytorch_model.bin": b"pickle"}

    assert "--allow-pickle" in failed(hub)
    assert not any("pytorch" in one for one in hub.asked)
    assert (fetched(hub, allow_pickle=True)[0] / "pytorch_model.bin").is_file()


def test_a_full_disk_is_one_line_before_anything_is_fetched(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("classifier.model.download.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1000})())

    assert "has room for 0 MB, 0 MB are needed; HF_HUB_CACHE names another folder" in failed(hub)
    monkeypatch.setenv("MODELSCOPE_DOMAIN", hub.url)
    assert "has room for 0 MB, 0 MB are needed; make room there" in failed(hub, "modelscope:someone/something")
    assert [] == hub.ranges


def test_a_part_with_a_number_of_thousands_of_digits_is_one_line(hub: Hub, tmp_path: Path) -> None:
    hub.faults = ["huge part"]

    assert "sends another part than was asked for" in failed(hub)
    assert {} == kept(tmp_path)


@pytest.mark.parametrize("at", ["hf-hub", "modelscope"])
def test_redirects_in_a_circle_are_followed_once(hub: Hub, at: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELSCOPE_DOMAIN", hub.url)
    hub.circle = True

    assert f"{hub.url} redirects in a circle" in failed(hub, f"{at}:someone/something")
    assert len(hub.ranges) <= 21


def test_a_cache_that_cannot_be_written_is_one_line(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "hub").write_text("no folder")

    assert "cannot be written" in failed(hub)


def test_two_programs_download_a_file_once(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    locks = tmp_path / "hub/.locks/models--someone--something"
    locks.mkdir(parents=True)
    other = FileLock(locks / f"{hub.digest(WEIGHTS)}.lock")
    other.acquire()
    say = SavingProgress.say

    def release(self: SavingProgress, message: fetch.Message) -> None:
        say(self, message)
        if "waiting for it" in message:
            other.release()

    monkeypatch.setattr(SavingProgress, "say", release)
    folder, progress = fetched(hub)

    assert f"{WEIGHTS} is being downloaded by another program; waiting for it" in progress.messages
    assert CONTENT == (folder / WEIGHTS).read_bytes()


@pytest.mark.parametrize("at", ["hf-hub", "modelscope"])
def test_a_network_is_loaded_from_what_was_fetched(
    hub: Hub, at: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODELSCOPE_DOMAIN", hub.url)
    local = repository(tmp_path / "made", "test_vit", size=64, img_size=64, global_pool="avg", class_token=False)
    hub.files = {path.name: path.read_bytes() for path in (tmp_path / "made").iterdir()}
    fetcher = Fetcher(hub=HubSettings(endpoint=hub.url))
    found = load_backbone(f"{at}:someone/something", num_categories=3, fetcher=fetcher)
    expected = load_backbone(local, num_categories=3)

    assert torch.equal(expected.body.patch_embed.proj.weight, found.body.patch_embed.proj.weight)
    assert "local-dir" == found.body.pretrained_cfg["source"]


def test_a_timm_name_is_fetched_by_the_same_way(hub: Hub, tmp_path: Path) -> None:
    made = load_backbone(repository(tmp_path / "made", "test_vit", size=160), num_categories=1000)
    hub.files = {WEIGHTS: (tmp_path / "made" / WEIGHTS).read_bytes()}
    assert made.body.pretrained_cfg["architecture"] == "test_vit"
    fetcher = Fetcher(hub=HubSettings(endpoint=hub.url))
    with pytest.raises(ModelError, match="cannot be loaded"):  # its head is of other categories than timm's
        load_backbone("test_vit.r160_in1k", num_categories=3, fetcher=fetcher)

    assert ["HEAD /timm/test_vit.r160_in1k/resolve/main/model.safetensors"] == hub.asked[:1]


def test_a_copy_at_modelscope_is_prepared_as_the_original() -> None:
    from classifier.model.origin import origin_of  # noqa: PLC0415

    origin = origin_of(ModelSettings(backbone="modelscope:fireicewolf/WD-ViT-tagger-v3"))

    assert ("bgr", 1.0, 448, "apache-2.0") == (
        origin.channels,
        origin.max_squeeze,
        origin.image_size,
        origin.license,
    )
    assert "is taken for SmilingWolf/wd-vit-tagger-v3, whose copy it is." in origin.sentences[0]
