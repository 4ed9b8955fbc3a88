"""The layers of a network while it is fine-tuned: which of them learn, and how fast."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from torch import nn

    from classifier.model.backbone import Network

FROZEN_LAYERS: Final = 0.45
"""At most this share of the layers, the earliest, is frozen; measured: docs/LOG.md."""


def freeze_early_layers(network: Network) -> list[nn.Parameter]:
    """Freeze what learns least and whose backward pass takes the longest; returns what was not frozen before."""
    layers = network.layers()
    early = [network.body.get_parameter(name) for names in layers[: int(FROZEN_LAYERS * len(layers))] for name in names]
    frozen = [parameter for parameter in early if parameter.requires_grad]
    for parameter in frozen:
        parameter.requires_grad_(False)
    return frozen


def thaw(frozen: list[nn.Parameter]) -> None:
    """Let parameters that were frozen learn again."""
    for parameter in frozen:
        parameter.requires_grad_(True)


def parameter_groups(
    network: Network, *, learning_rate: float, layer_decay: float, weight_decay: float
) -> list[dict[str, Any]]:
    """Optimizer groups, earliest layers first; the rate falls by `layer_decay` per layer from the head down.

    Frozen layers are left out. Biases and norms are not decayed. Each group also carries its own peak rate as
    `initial_lr`, for a schedule to scale.
    """
    body, layers = network.body, network.layers()
    named = {name: value for name, value in body.named_parameters() if value.requires_grad}
    undecayed = body.no_weight_decay() if hasattr(body, "no_weight_decay") else ()
    groups = []
    for depth, layer in enumerate(layers, start=1):
        names, rate = named.keys() & layer, learning_rate * layer_decay ** (len(layers) - depth)
        plain = {name for name in names if named[name].ndim <= 1 or name in undecayed}
        for members, decay in ((plain, 0.0), (names - plain, weight_decay)):
            if members:
                parameters = [named[name] for name in sorted(members)]
                groups.append({"params": parameters, "lr": rate, "initial_lr": rate, "weight_decay": decay})
    return groups
