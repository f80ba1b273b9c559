import pytest
import torch

from sag_ros.train.run import parallel


@pytest.fixture
def second_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the second of two; the other one contributes ones to every sum."""
    monkeypatch.setattr(parallel, "world", lambda: 2)
    monkeypatch.setattr(parallel, "rank", lambda: 1)
    monkeypatch.setattr(parallel.distributed, "all_reduce", lambda tensor: tensor.add_(1.0))


@pytest.mark.usefixtures("second_of_two")
def test_gradients_become_the_mean_over_the_processes() -> None:
    weight, matrix, unused = (torch.nn.Parameter(torch.zeros(s)) for s in ((3,), (2, 2), (2,)))
    weight.grad = torch.tensor([1.0, 2.0, 3.0])
    matrix.grad = torch.tensor([[5.0, 6.0], [7.0, 9.0]])
    parallel.average_gradients([weight, unused, matrix])
    assert weight.grad.tolist() == [1.0, 1.5, 2.0]
    assert matrix.grad.tolist() == [[3.0, 3.5], [4.0, 5.0]]
    assert unused.grad is None


@pytest.mark.usefixtures("second_of_two")
def test_a_batch_is_shared_and_a_stop_anywhere_is_a_stop_here() -> None:
    assert parallel.share(torch.arange(5)).tolist() == [1, 3]
    assert parallel.anyone(False)


def test_alone_nothing_changes() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.tensor([1.0, 2.0])
    parallel.join()
    parallel.average_gradients([weight])
    assert weight.grad.tolist() == [1.0, 2.0]
    assert parallel.rank() == 0 and parallel.world() == 1
    assert parallel.share(torch.arange(3)).tolist() == [0, 1, 2]
    assert parallel.anyone(True) and not parallel.anyone(False)
