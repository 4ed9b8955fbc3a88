from __future__ import annotations

from classifier.parts.ray_workers import room, share_of


def test_an_actor_has_what_the_smallest_machine_with_a_gpu_can_give() -> None:
    machines = [{"CPU": 32.0}, *[{"CPU": 8.0, "GPU": 1.0}] * 4]

    assert ({"num_cpus": 8, "num_gpus": 1}, 4) == (share_of(machines), room(machines))


def test_machines_of_several_sizes_each_have_room_for_what_fits() -> None:
    gpus = [{"CPU": 64.0, "GPU": 8.0}, {"CPU": 4.0, "GPU": 1.0}, {"CPU": 0.0, "GPU": 1.0}]
    without = [{"CPU": 1.0}, {"CPU": 5.0}, {"memory": 1e9}]

    assert ({"num_cpus": 4, "num_gpus": 1}, 9) == (share_of(gpus), room(gpus))
    assert ({"num_cpus": 2}, 2) == (share_of(without), room(without))
    assert ({"num_cpus": 1}, 2) == (share_of([{"CPU": 1.0}] * 2), room([{"CPU": 1.0}] * 2))
    assert ({"num_cpus": 1}, 1) == (share_of([]), room([]))
