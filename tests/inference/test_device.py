from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from classifier.errors import ModelError
from classifier.inference import device, gpu
from classifier.inference.device import choose_runtime
from classifier.inference.process import tune_malloc


@pytest.fixture
def a_gpu(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Pretend that one GPU of the Ampere kind is there."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda *_: "Painter 3000")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda *_: (8, 6))
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_80", "sm_90", "compute_120"])
    return monkeypatch


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pretend that there is none."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(gpu, "nvidia_driver", lambda: None)
    monkeypatch.setattr(gpu, "has_nvidia_card", lambda: False)


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("asked", [None, "auto"])
def test_without_a_gpu_it_is_the_cpu_in_exact_numbers(asked: str | None) -> None:
    runtime = choose_runtime(device=asked, amp_dtype=asked)

    assert (runtime.device.type, runtime.amp, runtime.dtype) == ("cpu", False, torch.float32)
    assert runtime.workers >= 1
    assert runtime.batch_size == 32
    assert runtime.reasons[0] == "Device cpu: no GPU is there."


@pytest.mark.usefixtures("a_gpu")
def test_a_gpu_is_taken_when_it_is_there() -> None:
    runtime = choose_runtime()

    assert (runtime.device.type, runtime.amp, runtime.dtype) == ("cuda", True, torch.bfloat16)
    assert runtime.channels_last
    assert runtime.batch_size == 64
    assert runtime.reasons[0] == "Device cuda: Painter 3000 is there."


@pytest.mark.parametrize(("cores", "on_gpu", "on_cpu"), [(1, 1, 1), (2, 1, 1), (8, 7, 7), (12, 11, 8), (64, 16, 8)])
def test_a_gpu_is_fed_by_as_many_workers_as_there_are_cores(
    cores: int, on_gpu: int, on_cpu: int, a_gpu: pytest.MonkeyPatch
) -> None:
    a_gpu.setattr(device, "cores", lambda: cores)

    assert on_gpu == choose_runtime().workers
    assert on_cpu == choose_runtime(device="cpu").workers


@pytest.mark.usefixtures("a_gpu")
def test_sorting_computes_in_finer_numbers_than_training() -> None:
    runtime = choose_runtime(training=False)

    assert runtime.dtype is torch.float16
    assert runtime.details[0] == "Numbers float16: as fast as bfloat16, and three bits finer, which probabilities want."


def test_an_older_gpu_computes_in_float16(a_gpu: pytest.MonkeyPatch) -> None:
    a_gpu.setattr(torch.cuda, "get_device_capability", lambda *_: (7, 5))

    assert choose_runtime(device="cuda").dtype is torch.float16


def test_a_requested_device_is_used_and_reported() -> None:
    runtime = choose_runtime(device="cpu", amp_dtype="bfloat16", workers=0, batch_size=5)

    assert (runtime.amp, runtime.dtype, runtime.workers, runtime.batch_size) == (True, torch.bfloat16, 0, 5)
    assert runtime.reasons == ("Device cpu: as asked for.",)
    assert runtime.details == (
        "Numbers bfloat16: as asked for.",
        "Workers 0: as asked for.",
        "Batches of 5: as asked for.",
    )


def test_float32_is_exact_and_no_autocast() -> None:
    assert not choose_runtime(device="cpu", amp_dtype="float32").amp


@pytest.fixture
def three_gpus(a_gpu: pytest.MonkeyPatch) -> None:
    """Pretend that the first and the third GPU are equal."""
    a_gpu.setattr(torch.cuda, "device_count", lambda: 3)
    names = ["Painter 3000", "Painter 2000", "Painter 3000"]
    a_gpu.setattr(torch.cuda, "get_device_name", lambda card=0: names[getattr(card, "index", card)])


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize("asked", [None, "auto", "cuda"])
def test_all_gpus_equal_to_the_first_are_taken(asked: str | None) -> None:
    runtime = choose_runtime(device=asked)

    assert (torch.device("cuda", 0), torch.device("cuda", 2)) == runtime.devices
    assert [one.devices for one in runtime.each()] == [(device,) for device in runtime.devices]
    several, left_out = runtime.reasons
    assert several == (
        "Devices cuda:0, cuda:2: 2 cards of one model (Painter 3000) share the work; --device cuda:0 uses one alone."
    )
    assert left_out == (
        "cuda:1 (Painter 2000) is left out: cards of two models would wait for each other. --device cuda:1 uses it "
        "alone."
    )
    assert runtime.details[0].startswith("Numbers bfloat16")


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize("asked", ["cuda:0", "cuda:1", "cuda:2"])
def test_a_gpu_that_is_named_is_used_alone(asked: str) -> None:
    runtime = choose_runtime(device=asked)

    assert (torch.device(asked),) == runtime.devices
    assert (f"Device {asked}: as asked for.",) == runtime.reasons


def test_where_no_other_gpu_is_equal_the_first_is_used_alone(a_gpu: pytest.MonkeyPatch) -> None:
    a_gpu.setattr(torch.cuda, "device_count", lambda: 2)
    a_gpu.setattr(torch.cuda, "get_device_capability", lambda card=0: (8 + getattr(card, "index", card), 6))
    a_gpu.setattr(torch.cuda, "get_arch_list", list)
    runtime = choose_runtime()

    assert (torch.device("cuda", 0),) == runtime.devices
    assert "Device cuda: Painter 3000 is there." == runtime.reasons[0]
    assert runtime.reasons[1].startswith("cuda:1 (Painter 3000) is left out")


def test_each_gpu_is_fed_by_as_many_workers(a_gpu: pytest.MonkeyPatch) -> None:
    a_gpu.setattr(torch.cuda, "device_count", lambda: 2)
    a_gpu.setattr(device, "cores", lambda: 64)

    assert 32 == choose_runtime().workers
    assert 16 == choose_runtime(device="cuda:1").workers


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_here_is_refused_in_one_line(device: str) -> None:
    with pytest.raises(ModelError, match=f"device '{device}' is not here; this machine has cpu"):
        choose_runtime(device=device)


@pytest.mark.usefixtures("a_gpu")
def test_a_second_gpu_that_is_not_here_is_refused() -> None:
    with pytest.raises(ModelError, match="this machine has cpu, cuda:0"):
        choose_runtime(device="cuda:1")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"device": "toaster"}, "device 'toaster' is not known"),
        ({"device": "cpu", "amp_dtype": "int3"}, "number type 'int3' is not known"),
        ({"device": "cpu", "workers": -1}, "-1 workers are too few"),
        ({"device": "cpu", "batch_size": 0}, "a batch of 0 pictures is too small"),
    ],
)
def test_nonsense_is_refused_in_one_line(options: dict[str, str | int], says: str) -> None:
    with pytest.raises(ModelError, match=says) as refused:
        choose_runtime(**options)  # type: ignore[arg-type]
    assert "\n" not in str(refused.value)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is of Linux")
def test_the_allocator_is_quickened_on_glibc() -> None:
    assert tune_malloc().startswith("Memory is kept between batches")


def test_elsewhere_the_allocator_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")

    assert tune_malloc().startswith("The memory allocator is left as it is")


@pytest.mark.skipif(sys.platform == "darwin", reason="its GPU is no NVIDIA card")
@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(
    ("driver", "cuda", "says"),
    [
        (
            gpu.Driver(cuda=(12, 4), cards=1),
            None,
            "built for the CPU alone, as pip brings it on Windows: python -m pip",
        ),
        (gpu.Driver(cuda=(12, 4), cards=1), None, "/whl/cu128 installs one for it (CUDA 12.4 or older)"),
        (gpu.Driver(cuda=(11, 8), cards=1), None, "/whl/cu118 "),
        (gpu.Driver(cuda=(13, 1), cards=1), None, "/whl/cu130 "),
        (gpu.Driver(cuda=(11, 4), cards=1), "12.8", "runs CUDA 11.4, and this torch is built for CUDA 12.8: install a"),
        (gpu.Driver(cuda=(13, 0), cards=0), "12.8", "CUDA_VISIBLE_DEVICES=-1 hides every NVIDIA card"),
        (gpu.Driver(cuda=(13, 0), cards=2), "12.8", "shows 2 card(s), but torch cannot use them"),
        (None, "12.8", "an NVIDIA card is there, but its driver is not loaded"),
    ],
)
def test_a_card_that_torch_does_not_run_on_is_named_with_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, driver: gpu.Driver | None, cuda: str | None, says: str
) -> None:
    monkeypatch.setattr(gpu, "nvidia_driver", lambda: driver)
    monkeypatch.setattr(gpu, "has_nvidia_card", lambda: True)
    monkeypatch.setattr(torch.version, "cuda", cuda)
    monkeypatch.setattr(torch.version, "hip", None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")

    runtime = choose_runtime()
    assert runtime.device.type == "cpu"
    assert says in runtime.reasons[0]
    with pytest.raises(ModelError) as refused:
        choose_runtime(device="cuda")
    assert says in str(refused.value)


@pytest.mark.parametrize(
    ("card", "built", "says"),
    [
        ((6, 1), ["sm_75", "sm_80", "compute_90"], "is older than what this torch has code for (7.5 and up)"),
        ((12, 0), ["sm_75", "sm_80", "sm_90"], "is newer than this torch"),
        ((12, 0), ["sm_75", "sm_90", "compute_90"], None),
        ((8, 6), ["sm_75", "sm_80"], None),
        ((9, 0), ["sm_90a"], None),
        ((8, 6), [], None),
    ],
)
def test_a_card_that_this_torch_has_no_code_for_is_not_used(
    a_gpu: pytest.MonkeyPatch, card: tuple[int, int], built: list[str], says: str | None
) -> None:
    a_gpu.setattr(torch.cuda, "get_device_capability", lambda *_: card)
    a_gpu.setattr(torch.cuda, "get_arch_list", lambda: built)
    a_gpu.setattr(torch.version, "hip", None)

    runtime = choose_runtime()
    assert runtime.device.type == ("cuda" if says is None else "cpu")
    if says is not None:
        assert says in runtime.reasons[0]
        with pytest.raises(ModelError, match="Painter 3000"):
            choose_runtime(device="cuda:0")


@pytest.mark.usefixtures("no_gpu")
@pytest.mark.parametrize(
    ("machine", "is_built", "says"),
    [
        ("arm64", False, "this torch is built without Apple's GPU"),
        ("arm64", True, "update macOS"),
        ("x86_64", False, "no GPU that torch runs on is there"),
    ],
)
def test_a_mac_says_why_its_gpu_is_not_used(
    monkeypatch: pytest.MonkeyPatch, machine: str, is_built: bool, says: str
) -> None:
    monkeypatch.setattr(gpu.sys, "platform", "darwin")
    monkeypatch.setattr(gpu.platform, "machine", lambda: machine)
    monkeypatch.setattr(torch.backends.mps, "is_built", lambda: is_built)
    assert says in gpu.why_no_gpu()


@pytest.mark.parametrize(
    ("displays", "found"),
    [
        ([], False),
        ([(r"PCI\VEN_8086&DEV_9A49", "Intel(R) Iris(R) Xe Graphics")], False),
        ([(r"PCI\VEN_8086&DEV_9A49", "Intel"), (r"PCI\VEN_10DE&DEV_2504", "Microsoft Basic Display Adapter")], True),
        ([("", "NVIDIA GeForce RTX 3060")], True),
    ],
)
def test_windows_names_an_nvidia_card_without_its_driver_too(displays: list[tuple[str, str]], *, found: bool) -> None:
    class User32:
        def EnumDisplayDevicesW(self, _: None, number: int, device: Any, flags: int) -> int:  # noqa: N802 - of Windows
            if number >= len(displays) or flags:
                return 0
            device._obj.id, device._obj.words = displays[number]
            return 1

    assert found == gpu.shows_nvidia(User32())


@pytest.mark.parametrize("asked", ["meta", "xla:5", "cuda:" + "9" * 40, "\0", "cuda:-1"])
def test_a_device_that_is_none_is_one_line(asked: str) -> None:
    with pytest.raises(ModelError) as refused:
        choose_runtime(device=asked)
    assert "\n" not in str(refused.value)


def test_querying_the_driver_never_fails() -> None:
    gpu.nvidia_driver()
    assert isinstance(gpu.has_nvidia_card(), bool)
