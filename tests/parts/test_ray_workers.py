"""Ray starts processes of its own, some of which write warnings of theirs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from classifier.errors import StorageError
from classifier.parts import predict as predict_module
from classifier.parts.predict import Where, predict_parts
from classifier.parts.ray_workers import RayWorkers
from classifier.progress import SilentProgress
from classifier.settings import Settings
from kit.bundles import color_bundle
from kit.listings import drawn, hashes, in_folder, listed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
ray = pytest.importorskip("ray", reason="ray is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def cluster() -> Iterator[None]:
    """Ray on this machine, with four logical cores."""
    ray.init(num_cpus=4, include_dashboard=False, object_store_memory=150_000_000, log_to_driver=False)
    yield
    ray.shutdown()


def predict(parts: str, model: Path, answers: Path, **options: Any) -> Any:
    """Answer a listing, silently."""
    return predict_parts(
        parts, model=model, answers=str(answers), settings=Settings(), progress=SilentProgress(), **options
    )


class Killed(RayWorkers):
    """Actors of which each of the first ones to be given a part is killed at once."""

    kills = 3

    def give(self, worker: int, part: int) -> None:
        """Give and kill."""
        super().give(worker, part)
        if type(self).kills > 0:
            type(self).kills -= 1
            ray.kill(self._actors[worker].handle)


class NodeLost(RayWorkers):
    """Actors whose second node is removed once each has a part."""

    cluster: Any = None
    node: Any = None
    given = 0

    def give(self, worker: int, part: int) -> None:
        """Give, and remove the node at the second part."""
        super().give(worker, part)
        type(self).given += 1
        if self.given == 2:
            self.cluster.remove_node(self.node, allow_graceful=False)


@pytest.mark.usefixtures("cluster")
def test_actors_of_ray_give_the_same_bytes_also_when_some_are_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = color_bundle(tmp_path / "m", novelty=True).folder
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(60)))
    predict(parts, model, tmp_path / "here")

    done = predict(parts, model, tmp_path / "ray", where=Where(ray=""))
    monkeypatch.setattr(predict_module, "RayWorkers", Killed)
    killed = predict(parts, model, tmp_path / "killed", where=Where(ray=""))

    assert ([], [], 0) == (done.outcome.failed, killed.outcome.failed, Killed.kills)
    assert hashes(tmp_path / "here") == hashes(tmp_path / "ray") == hashes(tmp_path / "killed")


def test_a_machine_that_leaves_the_cluster_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from ray.cluster_utils import Cluster  # noqa: PLC0415 - where ray is there

    model = color_bundle(tmp_path / "m").folder
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(60)))
    predict(parts, model, tmp_path / "here")
    sizes = {"num_cpus": 2, "object_store_memory": 80_000_000}
    cluster = Cluster(initialize_head=True, connect=True, head_node_args={**sizes, "include_dashboard": False})
    try:
        NodeLost.cluster, NodeLost.node = cluster, cluster.add_node(**sizes)
        cluster.wait_for_nodes()
        monkeypatch.setattr(predict_module, "RayWorkers", NodeLost)

        done = predict(parts, model, tmp_path / "lost", where=Where(ray="auto"))
    finally:
        ray.shutdown()
        cluster.shutdown()

    assert [] == done.outcome.failed
    assert hashes(tmp_path / "here") == hashes(tmp_path / "lost")


def test_an_address_without_ray_is_one_line(tmp_path: Path) -> None:
    model = color_bundle(tmp_path / "m").folder
    parts = listed(tmp_path / "parts", tmp_path / "crawl", in_folder(tmp_path / "crawl", drawn(1)))

    with pytest.raises(StorageError, match=r"--on ray:127\.0\.0\.1:1"):
        predict(parts, model, tmp_path / "to", where=Where(ray="127.0.0.1:1"))
