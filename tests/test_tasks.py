import torch

from metaart.tasks import Task, num_tasks, select, stack, to_device, unstack


def task(number: float) -> Task:
    support = {"x": torch.full((2, 3), number), "n": torch.ones(2, dtype=torch.int64)}
    return Task(support, {"x": torch.zeros(4, 3)}, (f"hand {number:g}",))


def test_stacking_puts_tasks_in_front_and_unstacking_takes_them_apart() -> None:
    tasks = [task(1.0), task(2.0), task(3.0)]
    batch = stack(tasks)
    assert batch.support["x"].shape == (3, 2, 3)
    assert batch.query["x"].shape == (3, 4, 3)
    assert num_tasks(batch) == 3
    for one, other in zip(tasks, unstack(batch), strict=True):
        assert one.names == other.names
        for side, peer in zip(one.sides, other.sides, strict=True):
            assert side.keys() == peer.keys()
            assert all(torch.equal(side[name], peer[name]) for name in side)


def test_select_takes_one_or_some() -> None:
    batch = stack([task(1.0), task(2.0), task(3.0)])
    assert select(batch, 1).support["x"].unique().tolist() == [2.0]
    some = select(batch, slice(1, 3))
    assert num_tasks(some) == 2
    assert some.support["x"][:, 0, 0].tolist() == [2.0, 3.0]
    assert num_tasks(select(batch, slice(0, 0))) == 0


def test_names_go_with_their_tasks() -> None:
    batch = stack([task(1.0), task(2.0), task(3.0)])
    assert batch.names == ("hand 1", "hand 2", "hand 3")
    assert select(batch, 1).names == ("hand 2",)
    assert select(batch, slice(1, 3)).names == ("hand 2", "hand 3")
    assert select(batch, slice(0, 0)).names == ()
    assert [one.names for one in unstack(batch)] == [("hand 1",), ("hand 2",), ("hand 3",)]
    assert to_device(batch, "meta").names == batch.names
    nameless = stack([one._replace(names=()) for one in unstack(batch)])
    assert nameless.names == select(nameless, 1).names == ()


def test_moving_keeps_names_and_types() -> None:
    moved = to_device(task(1.0), "meta")
    assert moved.support["x"].device.type == moved.query["x"].device.type == "meta"
    assert moved.support["n"].dtype == torch.int64
