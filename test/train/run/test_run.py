from __future__ import annotations

import math
import os
import signal

import pytest
import torch
from torch import nn

from sag_ros.train.run.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from sag_ros.train.run.ema import Ema, ema_decay
from sag_ros.train.run.iteration import BatchOrder, cosine_factor
from sag_ros.train.run.loop import Loop, LoopConfig
from sag_ros.train.run.progress import read_records
from sag_ros.train.run.stop import Stop


def test_ema_decay_is_that_of_diffusion_policy():
    for update in range(50):
        step = max(0, update - 1)  # EMAModel.get_decay, inv_gamma 1, update_after_step 0
        expected = 0.0 if step <= 0 else min(1 - (1 + step) ** -0.75, 0.9999)
        assert ema_decay(update) == pytest.approx(expected, abs=1e-12)
    assert ema_decay(10**9) == 0.9999


def test_ema_follows_parameters_and_copies_buffers():
    model = nn.BatchNorm1d(3)
    ema = Ema(model)
    expected = torch.ones(3)
    for update in range(6):
        with torch.no_grad():
            model.weight.fill_(float(update))
            model.running_mean.fill_(float(update))
        decay = ema_decay(update)
        expected = decay * expected + (1 - decay) * update
        ema.update(model)
        torch.testing.assert_close(ema.module.weight, expected)
        assert ema.module.running_mean[0] == update
    assert not ema.module.weight.requires_grad
    assert not ema.module.training


def test_cosine_with_warm_up():
    assert cosine_factor(0, 10, 110) == pytest.approx(0.1)
    assert cosine_factor(9, 10, 110) == cosine_factor(10, 10, 110) == 1.0
    assert cosine_factor(60, 10, 110) == pytest.approx(0.5)
    assert cosine_factor(35, 10, 110) == pytest.approx(0.5 * (1 + math.cos(math.pi / 4)))
    assert cosine_factor(110, 10, 110) == pytest.approx(0.0)
    assert cosine_factor(500, 10, 110, floor=0.1) == pytest.approx(0.1)


def test_order_visits_every_sample_once_per_epoch_and_has_no_state():
    order = BatchOrder(10, 3, seed=1)
    epoch = torch.cat([order.indices(i) for i in range(3)])
    assert len(set(epoch.tolist())) == 9
    later = order.indices(7)
    assert torch.equal(BatchOrder(10, 3, seed=1).indices(7), later)
    assert not torch.equal(epoch, torch.cat([order.indices(i) for i in range(3, 6)]))


def make_loop(folder, iterations, ema=True, **config):
    torch.manual_seed(5)
    model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 1))
    optimizer = torch.optim.AdamW(model.parameters())
    data = torch.randn(20, 4, generator=torch.Generator().manual_seed(0))

    def loss(indices):
        x = data[indices]
        return (model(x + 0.1 * torch.randn_like(x)) - x.sum(1, keepdim=True)).square().mean()

    settings = LoopConfig(iterations, batch=6, learning_rate=1e-2, warmup=3, **config)
    average = Ema(model) if ema else None
    return Loop(folder, "test", settings, model, optimizer, len(data), 3, average, {"note": "x"}), loss


class StopAfter(Stop):
    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def __bool__(self):
        self.steps -= 1
        return self.steps < 0


def test_resumed_run_equals_uninterrupted_one_bit_by_bit(tmp_path):
    whole, loss = make_loop(tmp_path / "whole", 13)
    assert whole.run(loss)
    for steps in (5, 4, 99):  # with validation that draws random numbers in the second half
        part, loss = make_loop(tmp_path / "part", 13, log_seconds=0.0)
        done = part.run(loss, lambda: {"drawn": float(torch.rand(()))}, StopAfter(steps))
        assert done == (steps == 99)
    a, b = (load_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("whole", "part"))
    assert a["iteration"] == b["iteration"] == 13
    assert a["extra"] == {"note": "x"}
    for key, value in a["model"].items():
        assert torch.equal(value, b["model"][key])
    for key, value in a["ema"]["module"].items():
        assert torch.equal(value, b["ema"]["module"][key])
    for index, state in a["optimizer"]["state"].items():
        for key, value in state.items():
            assert torch.equal(value, b["optimizer"]["state"][index][key])
    iterations = [record["iteration"] for record in read_records(tmp_path / "part" / "log.jsonl")]
    assert iterations == list(range(1, 14))
    assert (tmp_path / "part" / "loss.png").stat().st_size > 1000


def test_records_after_the_checkpoint_are_dropped(tmp_path):
    loop, loss = make_loop(tmp_path, 6, log_seconds=0.0)
    loop.run(loss, None, StopAfter(2))
    with loop.progress.path.open("a") as file:
        file.write('{"iteration": 3, "loss": 1}\n{"iterat')
    again, loss = make_loop(tmp_path, 6, log_seconds=0.0)
    assert [record["iteration"] for record in read_records(again.progress.path)] == [1, 2]


def test_sigterm_stops_with_a_checkpoint_and_handlers_return(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    loop, loss = make_loop(tmp_path, 1000)

    def interrupted(indices):
        if loop.iteration == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        return loss(indices)

    with Stop() as stop:
        assert not loop.run(interrupted, None, stop)
        assert stop.reason == "SIGTERM"
    assert signal.getsignal(signal.SIGTERM) is before
    assert load_checkpoint(tmp_path / "checkpoint.pt")["iteration"] == 3


def test_time_limit():
    assert Stop(minutes=0.0)
    assert not Stop(minutes=1.0)


def test_unusable_checkpoints(tmp_path):
    path = tmp_path / "checkpoint.pt"
    with pytest.raises(CheckpointError, match="does not exist"):
        load_checkpoint(path)
    save_checkpoint(path, {"iteration": 1})
    with pytest.raises(CheckpointError, match="does not fit"):
        make_loop(tmp_path, 3)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(CheckpointError, match="not a readable"):
        load_checkpoint(path)
    torch.save({"x": os.getcwd}, path)  # code is not executed
    with pytest.raises(CheckpointError, match="not a readable"):
        load_checkpoint(path)
    assert not list(tmp_path.glob("*.partial"))
