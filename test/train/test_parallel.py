import os
import socket

import torch
from torch import multiprocessing

from sag_ros.train import parallel


def _work(rank: int, port: int, folder: str) -> None:
    os.environ.update(WORLD_SIZE="2", RANK=str(rank), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    parallel.join()
    weight = torch.nn.Parameter(torch.zeros(3))
    unused = torch.nn.Parameter(torch.zeros(2))
    (weight * float(rank + 1)).sum().backward()
    parallel.average_gradients([weight, unused])
    torch.save(
        {
            "gradient": weight.grad,
            "share": parallel.share(torch.arange(5)),
            "anyone": parallel.anyone(rank == 1),
            "nobody": parallel.anyone(False),
        },
        f"{folder}/{rank}.pt",
    )


def test_two_processes_share_a_batch_and_average_their_gradients(tmp_path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    multiprocessing.spawn(_work, (port, str(tmp_path)), nprocs=2)
    results = [torch.load(tmp_path / f"{rank}.pt") for rank in range(2)]
    for result in results:
        assert torch.equal(result["gradient"], torch.full((3,), 1.5))
        assert result["anyone"] and not result["nobody"]
    assert sorted(torch.cat([result["share"] for result in results]).tolist()) == [0, 1, 2, 3, 4]


def test_alone_nothing_changes() -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    weight.grad = torch.tensor([1.0, 2.0])
    parallel.join()
    parallel.average_gradients([weight])
    assert weight.grad.tolist() == [1.0, 2.0]
    assert parallel.rank() == 0 and parallel.world() == 1
    assert parallel.share(torch.arange(3)).tolist() == [0, 1, 2]
