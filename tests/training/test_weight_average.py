"""The mean of networks that were fine-tuned from the same start."""

from __future__ import annotations

import pytest
import torch

from classifier.training.weight_average import WeightAverage
from kit.learning import tiny_network


def test_the_mean_of_networks_is_a_network() -> None:
    """Counts are those of the first; what was added stays as it was."""
    first, second = ({"a": torch.tensor([value, 4.0]), "batches": torch.tensor(7)} for value in (1.0, 2.0))
    average = WeightAverage()
    average.add(first)
    average.add(second)

    mean = average.mean()
    assert [1.5, 4.0] == mean["a"].tolist()
    assert 7 == mean["batches"]
    assert mean["batches"].dtype == torch.int64
    assert [1.0, 4.0] == first["a"].tolist()


def test_the_mean_of_one_network_is_that_network() -> None:
    network, average = tiny_network(), WeightAverage()
    average.add(network.state_dict())

    mean = average.mean()
    assert all(torch.equal(value, mean[name]) for name, value in network.state_dict().items())
    network.load_state_dict(mean)


def test_a_mean_of_no_networks_is_refused() -> None:
    with pytest.raises(ValueError, match="no network"):
        WeightAverage().mean()
