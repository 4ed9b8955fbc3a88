"""Predictors as actors of Ray, on one machine or many.

Ray only starts and watches them: what is tried again, how often, and when to give up, is decided in `dispatch`, since
Ray's own ways to do so have no end.
"""

from __future__ import annotations

import importlib
import os
import re
import socket
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

from classifier.errors import IllsortError, Message, StorageError, message_of
from classifier.inference.settled import Machine, machine_of, settled_runtime
from classifier.parts.packages import INSTALL
from classifier.parts.predictor import Job, Predictor
from classifier.parts.workers import Advanced, Answered, Event, Failed, Lost, Ready, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from classifier.parts.predictor import PartReport
    from classifier.settings import RuntimeSettings

_START_S: Final = 600.0
"""A cluster that grows by itself starts machines first."""
_STALLED_S: Final = 1800.0
_CORES: Final = 2
"""Of each actor where there is no GPU: one computes, one decodes."""
_MOST_CORES: Final = 17
_STORE_BYTES: Final = 150_000_000
"""Of Ray's memory for objects, through which no picture goes."""
_RESOURCES_S: Final = 10.0
_CONNECT_S: Final = 10.0
_HOST: Final = re.compile(r"([^:/\[\]]+):([0-9]{1,5})")


class _Answerer:
    """The actor; a second thread of it says how far the part is."""

    def __init__(self, job: Job, cores: int) -> None:
        self._done = 0
        self._refusal: Message | None = None
        runtime = job.settings.runtime
        if runtime.workers < 0:
            runtime = runtime.model_copy(update={"workers": max(1, cores - 1)})
        try:
            self._predictor = Predictor(job, settled_runtime(runtime))
        except IllsortError as error:
            self._refusal = error.message

    def ready(self) -> Message | None:
        """Why it cannot do any part; None where it can."""
        return self._refusal

    def done(self) -> int:
        """Pictures done of the part that it has."""
        return self._done

    def answer(self, part: int) -> PartReport | Message:
        """Do a part, or say why not."""
        self._done = 0
        try:
            return self._predictor.answer(part, self._advance)
        except IllsortError as error:
            return error.message

    def _advance(self, count: int) -> None:
        self._done += count


@dataclass(slots=True)
class _Actor:
    """An actor of Ray; `ref` is what is waited for, `asked` how far it is, which was `done` when it last said so."""

    handle: Any
    ref: Any
    is_ready: bool = False
    asked: Any = None
    done: int = 0


class RayWorkers:
    """As many actors as the cluster of `ray`, as `connected` gives it, has room for; leave it to end them."""

    start_s = _START_S
    stalled_s = _STALLED_S

    def __init__(self, job: Job, ray: Any) -> None:
        self._job = job
        self._ray = ray
        self._actors: dict[int, _Actor] = {}
        self._number = 0
        self._resources: tuple[float, list[dict[str, float]]] = (-_RESOURCES_S, [])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for worker in list(self._actors):
            self.stop(worker)

    @property
    def most(self) -> int:
        """One for each GPU of the cluster as it is now, else one for each two cores."""
        return room(self._found())

    def start(self) -> int:
        """As `Workers` has it."""
        share = share_of(self._found())
        options = {"max_restarts": 0, "max_task_retries": 0, "max_concurrency": 2, **share}
        handle = self._ray.remote(_Answerer).options(**options).remote(self._job, int(share["num_cpus"]))
        self._number += 1
        self._actors[self._number] = _Actor(handle, handle.ready.remote())
        return self._number

    def give(self, worker: int, part: int) -> None:
        """As `Workers` has it."""
        actor = self._actors[worker]
        actor.done, actor.asked = 0, None
        actor.ref = actor.handle.answer.remote(part)

    def events(self, timeout_s: float) -> list[Event]:
        """As `Workers` has it."""
        waited_for = {actor.ref: worker for worker, actor in self._actors.items() if actor.ref is not None}
        if not waited_for:
            time.sleep(timeout_s)
            return []
        ended, _ = self._ray.wait(list(waited_for), timeout=timeout_s)
        return [self._ended(waited_for[ref]) for ref in ended] + self._advanced()

    def stop(self, worker: int) -> None:
        """As `Workers` has it."""
        if (actor := self._actors.pop(worker, None)) is not None:
            self._ray.kill(actor.handle)

    def _ended(self, worker: int) -> Event:
        """What the last call of an actor gave; whatever Ray raises for it, the actor is of no more use."""
        actor = self._actors[worker]
        try:
            value = self._ray.get(actor.ref)
        except Exception as error:  # noqa: BLE001 - Ray's own, and the actor's with its traceback as text
            self.stop(worker)
            return Lost(worker, Message("its actor ended ({why})", why=_last_line(error)))
        actor.ref = None
        if not actor.is_ready:
            actor.is_ready = True
            return Ready(worker) if value is None else Refused(worker, value)
        return Failed(worker, value) if isinstance(value, Message) else Answered(worker, value)

    def _advanced(self) -> list[Event]:
        """How far the busy actors are, as each last said; asking waits for none of them."""
        events: list[Event] = []
        for worker, actor in self._actors.items():
            if not actor.is_ready or actor.ref is None:
                continue
            if actor.asked is not None:
                answered, _ = self._ray.wait([actor.asked], timeout=0)
                if not answered:
                    continue
                done = self._said(actor)
                if done > actor.done:
                    events.append(Advanced(worker, done - actor.done))
                    actor.done = done
            actor.asked = actor.handle.done.remote()
        return events

    def _said(self, actor: _Actor) -> int:
        try:
            return int(self._ray.get(actor.asked))
        except Exception:  # noqa: BLE001 - it has died, which its part says
            return 0

    def _found(self) -> list[dict[str, float]]:
        """What each machine of the cluster has, as it was a few seconds ago."""
        at, found = self._resources
        if time.monotonic() - at > _RESOURCES_S:
            found = _machines(self._ray)
            self._resources = time.monotonic(), found
        return found


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """Ray, connected to the cluster at an address, such as "auto"; "" makes one of this machine for as long.

    It reports nothing to its makers. Raises StorageError in one line where there is no Ray, or none at that address.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read as it is imported
    try:
        ray: Any = importlib.import_module("ray")
    except ImportError as error:
        raise StorageError("{package} is not installed: {command}", package="ray", command=INSTALL["ray"]) from error
    is_ours = not ray.is_initialized()
    if is_ours:
        _connect(ray, address)
    try:
        yield ray
    finally:
        if is_ours:
            ray.shutdown()


def machine_there(ray: Any, settings: RuntimeSettings) -> Machine:
    """What the machines of a cluster compute on: this one may have no GPU, where they have.

    Raises StorageError in one line where none of them says so in time.
    """
    share = share_of(_machines(ray))
    if "num_gpus" not in share:
        return machine_of(settled_runtime(settings))
    try:
        there: Machine = ray.get(ray.remote(_machine).options(**share).remote(settings), timeout=_START_S)
    except Exception as error:
        raise StorageError("--on ray: {why}", why=_last_line(error)) from error
    return there


def _machine(settings: RuntimeSettings) -> Machine:
    return machine_of(settled_runtime(settings))


def _machines(ray: Any) -> list[dict[str, float]]:
    """What each machine that is there has, by the names of Ray."""
    return [dict(one["Resources"]) for one in ray.nodes() if one["Alive"]]


def share_of(machines: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """What each actor has: a GPU and its share of the cores of the machine that has least of them, or two cores.

    Of the machines that have a GPU, or where none has, two cores: an actor lies on one machine.
    """
    with_gpu = [(_count(one, "CPU"), _count(one, "GPU")) for one in machines if _count(one, "GPU")]
    if with_gpu:
        shares = [cores // cards for cores, cards in with_gpu]
        enough = [share for share in shares if share] or [0]
        return {"num_cpus": min(_MOST_CORES, *enough), "num_gpus": 1}
    most = max((_count(one, "CPU") for one in machines), default=1)
    return {"num_cpus": min(_CORES, max(1, most))}


def room(machines: Sequence[Mapping[str, float]]) -> int:
    """How many actors with `share_of` them these machines have room for; at least 1, as a machine may be to come."""
    share = share_of(machines)
    cores = int(share["num_cpus"])
    places = [_count(one, "CPU") // cores if cores else _count(one, "GPU") for one in machines]
    if "num_gpus" in share:
        places = [min(place, _count(one, "GPU")) for place, one in zip(places, machines, strict=True)]
    return max(1, sum(places))


def _count(machine: Mapping[str, float], what: str) -> int:
    return int(machine.get(what, 0))


def _last_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[-1].strip()


def _connect(ray: Any, address: str) -> None:
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    if not address:
        options |= {"include_dashboard": False, "object_store_memory": _STORE_BYTES}
    try:
        if (host := _HOST.fullmatch(address)) is not None:  # Ray itself asks for minutes
            socket.create_connection((host[1], int(host[2])), timeout=_CONNECT_S).close()
        ray.init(address=address or "local", **options)
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise StorageError("--on ray:{address}: {why}", address=address, why=message_of(error)) from error
