"""Two processes, started as a launcher starts them, learn what one learns alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training.test_loop import RECIPE

from classifier.errors import ModelError
from classifier.training import join
from classifier.training.join import joined, launched
from classifier.training.parcel import pack, unpack
from classifier.training.processes import ALONE, Processes
from kit.learning import cpu, tiny_network
from kit.progress import SavingProgress
from kit.together import RUNTIME, Ended, checkpoint_in, fine_tuned_together, run_alone, saved_by, task

PLANS: dict[str, dict[str, Any]] = {
    "odd": {"recipe": replace(RECIPE, batch_size=5)},  # 3 and 2 pictures, then 2: one each
    "one left": {"recipe": replace(RECIPE, batch_size=11)},  # the last batch has a picture for one of the two
    "gone": {"recipe": replace(RECIPE, batch_size=4), "gone": 9},  # guesses whose pictures are not there
    "all labels": {"recipe": RECIPE, "held_out": 0},
    "in time": {"recipe": replace(RECIPE, most_seconds=3600.0)},
}
KILLED = {"recipe": RECIPE, "state": True, "dies": 0, "at": 12 + 8, "name": "main dies"}
LOST = "another process of this training has ended or cannot be reached"


@dataclass(frozen=True, kw_only=True)
class Runs:
    """Two launches: in the first the main process dies at last, in the second the other one."""

    folder: Path
    first: list[Ended]
    second: list[Ended]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    folder = tmp_path_factory.mktemp("together")
    plans = [*({**plan, "name": name} for name, plan in PLANS.items()), KILLED]
    first = fine_tuned_together(folder, [as_json(plan) for plan in plans])
    resumed = {**KILLED, "name": "resumed", "dies": -1}
    helper_dies = {**KILLED, "name": "helper dies", "dies": 1, "state": False}
    second = fine_tuned_together(folder, [as_json(plan) for plan in (resumed, helper_dies)])
    return Runs(folder=folder, first=first, second=second)


def as_json(plan: dict[str, Any]) -> dict[str, Any]:
    return {**plan, "recipe": asdict(plan["recipe"])}


def alone(folder: Path, **given: Any) -> tuple[dict[str, Tensor], int, Any]:
    work = task(folder, **given)
    epoch, history = run_alone(work)
    return work.network.state_dict(), epoch, history


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def distance(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return max(float((one[name].float() - other[name].float()).abs().max()) for name in one)


@pytest.mark.parametrize("name", PLANS)
def test_two_processes_end_with_the_weights_of_one(name: str, runs: Runs, tmp_path: Path) -> None:
    """With each other's to the last bit, with one process's up to rounding."""
    weights, epoch, history = alone(tmp_path, **PLANS[name], name=name)
    main, helper = (saved_by(index, runs.folder, name) for index in range(2))

    assert equal(main["weights"], helper["weights"])
    assert distance(tiny_network().state_dict(), main["weights"]) > 1e-3
    assert distance(weights, main["weights"]) < 1e-5
    assert epoch == main["epoch"] == helper["epoch"]
    assert main["history"] == helper["history"]
    assert [one.loss for one in history[1:]] == pytest.approx([one.loss for one in main["history"][1:]], rel=1e-5)


def test_where_the_main_process_dies_the_other_ends_in_one_line(runs: Runs) -> None:
    assert [9, 2] == [one.code for one in runs.first]
    assert [f"illsort: {LOST}"] == [line[: len(LOST) + 9] for line in runs.first[1].said.splitlines()]


def test_where_another_process_dies_the_main_one_ends_in_one_line(runs: Runs) -> None:
    assert [2, 9] == [one.code for one in runs.second]
    assert [f"illsort: {LOST}"] == [line[: len(LOST) + 9] for line in runs.second[0].said.splitlines()]


def test_a_killed_training_goes_on_to_the_same_network_in_all_processes(runs: Runs, tmp_path: Path) -> None:
    weights, epoch, history = alone(tmp_path, recipe=RECIPE, name="whole")
    main, helper = (saved_by(index, runs.folder, "resumed") for index in range(2))
    state, message = checkpoint_in(runs.folder).load()

    assert state is not None
    assert "after epoch 3" in str(message)
    assert equal(main["weights"], helper["weights"])
    assert distance(weights, main["weights"]) < 1e-5
    assert epoch == main["epoch"] == helper["epoch"]
    assert len(history) == len(main["history"])


def test_what_is_sent_arrives_as_it_was() -> None:
    """With weights that two layers share, parameters that do not learn, and numbers of any kind."""
    tied = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    tied[1].weight = tied[0].weight
    tied[0].bias.requires_grad_(False)
    value = {"net": tied, "odd": [torch.tensor(3), torch.empty(0, 4), torch.tensor([True]), torch.ones(2).bfloat16()]}
    parcel = pack(value)
    room = parcel.shell().with_room()
    for sent, received in zip(parcel.each(), room.each(), strict=True):
        received.copy_(sent)
    copy = unpack(room)

    assert copy["net"][0].weight is copy["net"][1].weight
    assert [True, False] == [one.requires_grad for one in (copy["net"][0].weight, copy["net"][0].bias)]
    assert equal(tied.state_dict(), copy["net"].state_dict())
    assert all(torch.equal(one, other) for one, other in zip(value["odd"], copy["odd"], strict=True))
    assert tied[0].weight.data_ptr() != copy["net"][0].weight.data_ptr()


def test_a_process_alone_imports_no_accelerate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(name: str) -> None:
        raise AssertionError(name)

    monkeypatch.setattr("importlib.import_module", refuse)
    with joined(RUNTIME, SavingProgress()) as processes:
        work = task(tmp_path, RECIPE, name="alone")
        assert processes is ALONE
        assert work is processes.by_main(lambda: work)
        run_alone(work, processes=processes)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, ALONE),
        ({"WORLD_SIZE": "1", "RANK": "0", "MASTER_ADDR": "here"}, ALONE),
        ({"PMI_SIZE": "4", "PMI_RANK": "1"}, ALONE),  # a cluster's own, for a command that is no training of several
        (
            {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "here"},
            Processes(index=3, count=4, local_index=1, local_count=2),
        ),
        (
            {"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "1", "MASTER_ADDR": "here"},
            Processes(index=1, count=2),
        ),
    ],
)
def test_what_a_launcher_says_is_understood(variables: dict[str, str], expected: Processes) -> None:
    assert expected == launched(variables)


def test_a_number_of_processes_without_an_index_is_one_line() -> None:
    with pytest.raises(ModelError, match="WORLD_SIZE=2 is set, but no RANK"):
        launched({"WORLD_SIZE": "2", "MASTER_ADDR": "here"})


def test_without_accelerate_several_processes_are_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"WORLD_SIZE": "2", "RANK": "0", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(join, "find_spec", lambda _: None)
    with (
        pytest.raises(ModelError, match=r'needs accelerate: pip install "illsort\[accelerate\]"'),
        joined(RUNTIME, SavingProgress()),
    ):
        pass


def test_a_process_unlike_the_main_one_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    main = {"torch": "1.0", "device": "cuda"}
    monkeypatch.setattr(Processes, "by_main", lambda _, work: {**work(), **main})

    with pytest.raises(
        ModelError, match=r"process 1 is unlike the main one.*: torch .*, not 1\.0; device cpu, not cuda$"
    ):
        join._check_alike(Processes(index=1, count=2), cpu())


def test_each_process_of_a_machine_has_a_card_of_its_own() -> None:
    cards = [torch.device("cuda", number) for number in (0, 2)]
    here = replace(cpu(workers=5), device=cards[0], others=(cards[1],))
    own = [Processes(count=4, local_index=index, local_count=2).runtime(here) for index in range(2)]

    assert [(card,) for card in cards] == [one.devices for one in own]
    assert [3, 3] == [one.workers for one in own]
    assert here == Processes(count=2).runtime(here)  # one process on each machine: it has all cards
    with pytest.raises(ModelError, match="3 processes on this machine, but cuda:0, cuda:2 for them"):
        Processes(count=3, local_index=2, local_count=3).runtime(here)


def test_dropout_draws_other_numbers_in_each_process() -> None:
    assert 5 == ALONE.seed(5)
    assert 3 == len({Processes(index=index, count=3).seed(5) for index in range(3)})


def test_every_picture_of_a_batch_is_in_one_part() -> None:
    parts = [Processes(index=index, count=3).part([5, 3, 8, 1]) for index in range(3)]

    assert [[5, 1], [3], [8]] == parts
    assert 2 == Processes(count=3).most(4)
