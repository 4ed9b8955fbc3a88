from __future__ import annotations

import os

import pytest
import torch

from classifier.doctor import machine
from classifier.doctor.finding import Finding, Level
from classifier.doctor.machine import examine_machine
from classifier.doctor.system_memory import SystemMemory
from classifier.inference import device, gpu
from classifier.inference.gpu import Driver
from classifier.settings import RuntimeSettings, Settings

PLENTY = SystemMemory(total=64_000_000_000, available=60_000_000_000)


@pytest.fixture(autouse=True)
def a_quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that this is one of two quiet cores, much memory and no GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(gpu, "nvidia_driver", lambda: None)
    monkeypatch.setattr(gpu, "has_nvidia_card", lambda: False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    for module in (machine, device):
        monkeypatch.setattr(module, "cores", lambda: 2)
    monkeypatch.setattr(os, "getloadavg", lambda: (0.5, 0.5, 0.5), raising=False)
    monkeypatch.setattr(machine, "system_memory", lambda: PLENTY)
    monkeypatch.setattr(machine, "missing_packages", list)


def give_cards(monkeypatch: pytest.MonkeyPatch, *names: str, free: int = 11_000_000_000) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda card=0: names[getattr(card, "index", card) or 0])
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (8, 6))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_80", "sm_86"])
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (free, 12_000_000_000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 0)


def found(code: str, settings: Settings | None = None) -> Finding:
    [one] = [one for one in examine_machine(settings or Settings()) if one.code == code]
    return one


def test_a_machine_without_a_gpu_is_no_problem() -> None:
    found_all = [(one.code, one.level, one.message) for one in examine_machine(Settings())]

    assert [
        ("processor", Level.OK, "2 processor cores may be used"),
        ("device", Level.OK, "Device cpu: no GPU is there."),
        ("memory", Level.OK, "60.0 GB of 64.0 GB of memory are free"),
        ("onnx", Level.OK, "ONNX Runtime is installed, with which a CPU sorts faster"),
    ] == found_all


def test_a_card_that_torch_does_not_use_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu, "has_nvidia_card", lambda: True)
    unused = found("gpu.unused")

    assert (Level.PROBLEM, "a GPU is there and is not used") == (unused.level, unused.message)
    assert unused.remedy is not None
    assert unused.remedy.endswith("install NVIDIA's driver and start again")


def test_a_card_newer_than_torch_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    give_cards(monkeypatch, "Painter 5000")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (12, 0))
    unused = found("gpu.unused")

    assert unused.is_problem
    assert "is newer than this torch" in (unused.remedy or "")


def test_a_card_that_the_user_hides_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(gpu, "nvidia_driver", lambda: Driver(cuda=(12, 8), cards=0))
    unused = found("gpu.unused")

    assert (Level.HINT, "CUDA_VISIBLE_DEVICES= hides every NVIDIA card") == (unused.level, unused.remedy)


def test_a_device_that_is_not_there_is_a_problem() -> None:
    settings = Settings(runtime=RuntimeSettings(device="cuda:3"))
    [only] = examine_machine(settings)

    assert ("device", Level.PROBLEM) == (only.code, only.level)
    assert only.message.startswith("device 'cuda:3' is not here")


def test_a_gpu_is_named_with_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    give_cards(monkeypatch, "Painter 3000")

    assert "Device cuda: Painter 3000 is there." == found("device").message
    assert (Level.OK, "cuda: 11.0 GB of its 12.0 GB of memory are free") == (
        found("gpu.memory").level,
        found("gpu.memory").message,
    )


def test_a_gpu_that_other_programs_fill_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    give_cards(monkeypatch, "Painter 3000", free=2_000_000_000)
    memory = found("gpu.memory")

    assert (Level.HINT, "cuda: 2.0 GB of its 12.0 GB of memory are free") == (memory.level, memory.message)


def test_a_card_of_another_model_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    give_cards(monkeypatch, "Painter 3000", "Painter 2000")

    assert found("device.left_out").level is Level.HINT
    assert found("device.left_out").message.startswith("cuda:1 (Painter 2000) is left out")


def test_too_little_memory_for_a_sort_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "system_memory", lambda: SystemMemory(total=4 * 10**9, available=10**9))
    memory = found("memory.sort")

    assert (
        "1.0 GB of 4.0 GB of memory are free; a sort with --workers 1 takes about 1.3 GB",
        "close other programs, or sort with fewer --workers",
    ) == (memory.message, memory.remedy)


def test_too_little_memory_for_fine_tuning_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "system_memory", lambda: SystemMemory(total=4 * 10**9, available=3 * 10**9))

    assert found("memory.train").message.endswith("fine-tuning without a GPU takes about 4.9 GB")


def test_nothing_is_told_of_memory_that_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "system_memory", lambda: None)

    assert [] == [one for one in examine_machine(Settings()) if one.code.startswith("memory")]


def test_a_cpu_without_onnx_runtime_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "missing_packages", lambda: ["onnxruntime"])

    assert (Level.HINT, 'pip install "illsort[onnx]"') == (found("onnx").level, found("onnx").remedy)


def test_a_busy_processor_is_a_hint(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (7.5, 0.0, 0.0), raising=False)

    assert (
        "2 processor cores may be used, and other programs keep them busy (load 7.5)" == found("processor.busy").message
    )
