"""The training loop: fine-tunes the whole network from a fitted head, with few labels.

One function, the same on CPU and GPU.
"""

# Shapes: B images, C channels, H height, W width, K categories, V held-out images.

from __future__ import annotations

import copy
import math
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils import clip_grad_norm_

from classifier.errors import Message
from classifier.inference.memory import BackOff
from classifier.inference.placing import place
from classifier.model.calibration import fit_temperature, probabilities
from classifier.model.layers import freeze_early_layers, parameter_groups, thaw
from classifier.training.batches import training_batches
from classifier.training.checkpoint import Epoch, TrainingState
from classifier.training.data_parallel import Replicas
from classifier.training.dataset import iter_batches
from classifier.training.metrics import log_losses
from classifier.training.processes import ALONE, Processes
from classifier.training.recipe import EARLY, checked_each, is_sparing, view_sizes
from classifier.training.time_budget import TimeBudget

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifier.inference.device import Runtime
    from classifier.inference.replicas import Replica
    from classifier.model.backbone import Network
    from classifier.progress import Progress
    from classifier.training.batches import Batch
    from classifier.training.checkpoint import Checkpoint
    from classifier.training.context import Hyperparameters
    from classifier.training.dataset import TrainingImages
    from classifier.training.micro_batches import MicroBatches

_GRADIENT_NORM: Final = 1.0
_LEAST_RATE: Final = 0.01
_NOT_CHECKED: Final = (np.empty(0), None)


def finetune(
    network: Network,
    *,
    train: TrainingImages,
    validation: TrainingImages,
    recipe: Hyperparameters,
    stop_after: int,
    runtime: Runtime,
    micro_batches: MicroBatches,
    name: Message,
    checkpoint: Checkpoint | None,
    progress: Progress,
    processes: Processes = ALONE,
) -> tuple[int, tuple[Epoch, ...]]:
    """Train `network`, which leaves with the weights to keep, in evaluation mode; returns their epoch and the history.

    Weights kept are a moving average: that of epoch `stop_after` (1 to `recipe.epochs`) or of the last one that
    `recipe.most_seconds` allow, unless `validation`, which may be empty, speaks for an earlier one of those at which it
    is looked at, epoch 0 among them.
    With a checkpoint it goes on where a killed run was. Several `processes` learn from parts of each batch and keep the
    same weights; the main one looks at `validation` and has the checkpoint.
    """
    device = runtime.device
    network.freeze_batch_norm()
    frozen = freeze_early_layers(network) if is_sparing(device.type, len(validation)) else []
    seen = {"held_out": len(validation), "guesses": len(train) - train.labeled}
    sizes = view_sizes(recipe.image_size, takes_any_size=network.takes_any_size, device=device.type, **seen)
    place(network, runtime)
    ema_model = copy.deepcopy(network).eval()
    back_off = BackOff(device, most=recipe.batch_size, say=progress.say)
    optimizer = _optimizer(network, recipe)
    scaler = torch.amp.GradScaler(device.type, enabled=runtime.amp and runtime.dtype is torch.float16)
    num_steps = recipe.epochs * math.ceil(train.per_epoch / recipe.batch_size)
    state = TrainingState(network, ema_model, optimizer, scaler)
    if processes.is_main and (checkpoint is None or not state.restore(checkpoint, progress)):
        state.record_epoch(None, *_validate(ema_model, validation, back_off, runtime))
    state.follow_main(processes)
    replicas = Replicas(network, runtime, most=processes.most(recipe.batch_size), say=progress.say)
    clock = TimeBudget(spent=state.seconds, most=recipe.most_seconds, agreed=processes.agreed)
    with progress.stage(name, total=stop_after * train.per_epoch, unit="picture") as stage:
        stage.advance(state.epoch * train.per_epoch)
        for epoch in range(state.epoch + 1, stop_after + 1):
            # For dropout; by epoch, so that a resumed run draws the same.
            replicas.train(processes.seed(recipe.seed + epoch))
            total_loss, shown = torch.zeros((), device=device), 0
            size = sizes[max(epoch / recipe.epochs, clock.share) > EARLY]
            for batch in training_batches(train, size, epoch, recipe, runtime=runtime, processes=processes):
                done = max(state.step / num_steps, clock.share)
                _set_rates(optimizer, _lr_factor(done, recipe.warmup_share, 1 / num_steps))
                backward = partial(_backward, replicas, batch, scaler=scaler, recipe=recipe)
                loss = processes.sum_gradients(
                    network, micro_batches.learn(backward, replicas, count=len(batch.targets))
                )
                scaler.unscale_(optimizer)
                clip_grad_norm_(network.parameters(), _GRADIENT_NORM)
                scaler.step(optimizer)
                scaler.update()
                replicas.copy_weights()
                state.step += 1
                _update_ema(ema_model, network, min(recipe.ema_decay, (1 + state.step) / (10 + state.step)))
                total_loss += loss * batch.count
                shown += batch.count
                stage.advance(batch.count)
            state.epoch, state.seconds = epoch, clock.seconds
            mean_loss, is_over = float(total_loss) / shown, clock.share >= 1  # sync point, once an epoch
            is_checked = is_over or epoch == stop_after or epoch % checked_each(recipe.epochs) == 0
            check = partial(_validate, ema_model, validation, back_off, runtime)
            checked = processes.by_main(check) if is_checked else _NOT_CHECKED
            state.record_epoch(mean_loss, *checked)
            stage.note(_note(state.history[-1], recipe.epochs))
            if checkpoint is not None:
                checkpoint.save(state.as_dict())
            if is_over:
                progress.say(_time_is_up(name, epoch, recipe.epochs))
                break
    thaw(frozen)
    return state.restore_best(), tuple(state.history)


def _optimizer(network: Network, recipe: Hyperparameters) -> torch.optim.Optimizer:
    groups = parameter_groups(
        network,
        learning_rate=recipe.learning_rate,
        layer_decay=recipe.layer_decay,
        weight_decay=recipe.weight_decay,
    )
    return torch.optim.AdamW(groups)


def _set_rates(optimizer: torch.optim.Optimizer, share: float) -> None:
    """The learning rate of each group as a share of its peak."""
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * share


def _backward(
    replicas: Replicas,
    batch: Batch,
    size: int,
    *,
    scaler: torch.amp.GradScaler,
    recipe: Hyperparameters,
) -> Tensor:
    """The part of this process in the mean loss of a batch; leaves its gradients, added up over parts of `size`."""

    def loss(replica: Replica[Network], part_BCHW: Tensor, part_BK: Tensor) -> Tensor:
        network, runtime = replica.network, replica.runtime
        wanted_BK = part_BK.to(runtime.device, non_blocking=True)
        with torch.autocast(runtime.device.type, dtype=runtime.dtype, enabled=runtime.amp):
            logits_BK = network(_images(network, part_BCHW, runtime))
            mean = cross_entropy(logits_BK.float(), wanted_BK, label_smoothing=recipe.label_smoothing)
        return mean * (len(part_BK) / batch.divisor)  # its share of the mean of all

    parts = zip(torch.split(batch.pixels, size), torch.split(batch.targets, size), strict=True)
    return replicas.backward(loss, parts, scaler)


def _images(network: Network, pixels_BCHW: Tensor, runtime: Runtime) -> Tensor:
    images = network.normalize(pixels_BCHW.to(runtime.device, non_blocking=True))
    return images.contiguous(memory_format=torch.channels_last) if runtime.channels_last else images


@torch.inference_mode()
def _validate(
    ema_model: Network, validation: TrainingImages, back_off: BackOff, runtime: Runtime
) -> tuple[NDArray[np.float64], float | None]:
    """The loss of each held-out image at the temperature that suits them, (V,), and the accuracy."""
    if not len(validation):
        return np.empty(0), None
    parts = []
    order = range(len(validation))
    batches = iter_batches(order, validation.__getitem__, batch_size=back_off.most, threads=runtime.workers)
    for _, pixels_BCHW in validation.watch.reading(batches):
        with torch.autocast(runtime.device.type, dtype=runtime.dtype, enabled=runtime.amp):
            parts += back_off.in_parts(lambda part: ema_model(_images(ema_model, part, runtime)), pixels_BCHW)
    logits_VK = torch.cat([part.float().cpu() for part in parts]).numpy()
    targets_V = validation.targets.argmax(dim=1).numpy()
    temperature = fit_temperature(logits_VK, targets_V)
    accuracy = float((logits_VK.argmax(axis=1) == targets_V).mean())
    return log_losses(probabilities(logits_VK, temperature), targets_V), accuracy


@torch.no_grad()
def _update_ema(ema_model: Network, network: Network, decay: float) -> None:
    """Move the average towards the network; batch norm statistics are frozen, so parameters are all that differs."""
    torch._foreach_lerp_(list(ema_model.parameters()), list(network.parameters()), 1 - decay)


def _lr_factor(done: float, warmup_share: float, step: float) -> float:
    """The learning rate as a share of its peak after `done` (0..1) of all steps; the first step is not wasted on 0."""
    if done < warmup_share:
        return min(1.0, (done + step) / warmup_share)
    falling = 0.5 * (1 + math.cos(math.pi * (done - warmup_share) / (1 - warmup_share)))
    return max(_LEAST_RATE, falling)


def _note(epoch: Epoch, epochs: int) -> Message:
    note = Message("epoch {number}/{count}, loss {loss:.3f}", number=epoch.number, count=epochs, loss=epoch.loss)
    if epoch.validation_accuracy is None:
        return note
    return Message(
        "{note}, held out: loss {loss:.3f}, accuracy {accuracy:.2f}",
        note=note,
        loss=epoch.validation_loss,
        accuracy=epoch.validation_accuracy,
    )


def _time_is_up(name: Message, epoch: int, epochs: int) -> Message:
    return Message("{name} ends after epoch {epoch} of {epochs}: its time is up", name=name, epoch=epoch, epochs=epochs)
