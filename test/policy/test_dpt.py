from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sag_ros.policy.dpt import DPT, DPTConfig, sinusoidal

CONFIG = DPTConfig(action_dim=3, obs_dim=5, horizon=7, obs_steps=3, layers=2, heads=2, width=16)


def make(config: DPTConfig = CONFIG, seed: int = 0) -> DPT:
    """A network whose every parameter is random: zero biases would hide mistakes."""
    torch.manual_seed(seed)
    dpt = DPT(config).eval()
    with torch.no_grad():
        for parameter in dpt.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    return dpt


def inputs(config: DPTConfig = CONFIG, batch: int = 2) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    sample = torch.randn(batch, config.horizon, config.action_dim, generator=generator)
    cond = torch.randn(batch, config.obs_steps, config.obs_dim, generator=generator)
    return sample, torch.arange(batch) * 41, cond


def by_blocks(dpt: DPT, sample: Tensor, timestep: Tensor, cond: Tensor) -> Tensor:
    memory, h = dpt.memory(timestep, cond), dpt.embed(sample)
    for index in range(dpt.config.blocks):
        h = h + dpt.block(h, memory, index)
    return dpt.readout(h)


def expected_shapes(c: DPTConfig) -> dict[str, tuple[int, ...]]:
    """Keys of the public checkpoints, without their prefix ``model.``."""
    d, S = c.width, 1 + c.obs_steps
    shapes: dict[str, tuple[int, ...]] = {
        "input_emb.weight": (d, c.action_dim),
        "input_emb.bias": (d,),
        "cond_obs_emb.weight": (d, c.obs_dim),
        "cond_obs_emb.bias": (d,),
        "head.weight": (c.action_dim, d),
        "head.bias": (c.action_dim,),
        "pos_emb": (1, c.horizon, d),
        "cond_pos_emb": (1, S, d),
        "mask": (c.horizon, c.horizon),
        "memory_mask": (c.horizon, S),
        "_dummy_variable": (0,),
        "encoder.0.weight": (4 * d, d),
        "encoder.0.bias": (4 * d,),
        "encoder.2.weight": (d, 4 * d),
        "encoder.2.bias": (d,),
        "ln_f.weight": (d,),
        "ln_f.bias": (d,),
    }
    for i in range(c.layers):
        layer = f"decoder.layers.{i}."
        for attention in ("self_attn", "multihead_attn"):
            shapes[f"{layer}{attention}.in_proj_weight"] = (3 * d, d)
            shapes[f"{layer}{attention}.in_proj_bias"] = (3 * d,)
            shapes[f"{layer}{attention}.out_proj.weight"] = (d, d)
            shapes[f"{layer}{attention}.out_proj.bias"] = (d,)
        shapes[f"{layer}linear1.weight"], shapes[f"{layer}linear1.bias"] = (4 * d, d), (4 * d,)
        shapes[f"{layer}linear2.weight"], shapes[f"{layer}linear2.bias"] = (d, 4 * d), (d,)
        for norm in ("norm1", "norm2", "norm3"):
            shapes[f"{layer}{norm}.weight"] = shapes[f"{layer}{norm}.bias"] = (d,)
    return shapes


@pytest.mark.parametrize("config", [CONFIG, DPTConfig(10, 137, 10, 2, 8, 4, 256)])
def test_state_dict_is_that_of_the_public_implementation(config: DPTConfig) -> None:
    with torch.device("meta"):
        state = DPT(config).state_dict()
    assert {key: tuple(value.shape) for key, value in state.items()} == expected_shapes(config)


def test_masks() -> None:
    dpt = DPT(CONFIG)
    for t in range(CONFIG.horizon):
        assert [float(x) for x in dpt.mask[t]] == [0.0 if s <= t else -math.inf for s in range(7)]
        assert [float(x) for x in dpt.memory_mask[t]] == [0.0 if t >= s - 1 else -math.inf for s in range(4)]


@pytest.mark.parametrize("cond_layers", [0, 2])
def test_forward_equals_torchs_own_decoder(cond_layers: int) -> None:
    config = DPTConfig(3, 5, 7, 3, 2, 2, 16, n_cond_layers=cond_layers)
    dpt = make(config)
    sample, timestep, cond = inputs(config)
    memory = dpt.memory(timestep, cond)
    tokens = dpt.input_emb(sample) + dpt.pos_emb
    h = dpt.decoder(tgt=tokens, memory=memory, tgt_mask=dpt.mask, memory_mask=dpt.memory_mask)
    torch.testing.assert_close(dpt(sample, timestep, cond), dpt.head(dpt.ln_f(h)), rtol=1e-5, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(
    horizon=st.integers(1, 6),
    obs_steps=st.integers(1, 4),
    layers=st.integers(1, 3),
    heads=st.sampled_from([1, 2, 4]),
    tokens=st.integers(1, 6),
    batch=st.integers(1, 3),
)
def test_blocks_and_leading_sub_sequences_equal_forward(
    horizon: int, obs_steps: int, layers: int, heads: int, tokens: int, batch: int
) -> None:
    config = DPTConfig(2, 3, horizon, obs_steps, layers, heads, 8)
    dpt = make(config)
    sample, timestep, cond = inputs(config, batch)
    full = dpt(sample, timestep, cond)
    torch.testing.assert_close(by_blocks(dpt, sample, timestep, cond), full)
    leading = by_blocks(dpt, sample[:, :tokens], timestep, cond)
    torch.testing.assert_close(leading, full[:, :tokens], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(dpt(sample[:, :tokens], timestep, cond), leading)


def test_no_token_sees_later_actions_or_later_frames() -> None:
    dpt = make()
    sample, timestep, cond = inputs()
    base = dpt(sample, timestep, cond)
    for t in range(CONFIG.horizon):
        changed = sample.clone()
        changed[:, t] += 1.0
        moved = (dpt(changed, timestep, cond) - base).abs().amax(dim=(0, 2)) > 1e-4
        assert moved.tolist() == [i >= t for i in range(CONFIG.horizon)]
    for frame in range(CONFIG.obs_steps):
        changed = cond.clone()
        changed[:, frame] += 1.0
        moved = (dpt(sample, timestep, changed) - base).abs().amax(dim=(0, 2)) > 1e-4
        assert moved.tolist() == [i >= frame for i in range(CONFIG.horizon)]


def test_condition_tokens_are_independent_without_condition_layers() -> None:
    dpt = make()
    _, _, cond = inputs(batch=1)
    base = dpt.memory(3, cond)
    other_time, other_frames = dpt.memory(4, cond), dpt.memory(3, cond + 1.0)
    torch.testing.assert_close(other_time[:, 1:], base[:, 1:])
    torch.testing.assert_close(other_frames[:, :1], base[:, :1])
    assert not torch.allclose(other_time[:, 0], base[:, 0])


def test_timestep_may_be_a_number() -> None:
    dpt = make()
    sample, _, cond = inputs()
    expected = dpt(sample, torch.tensor([41, 41]), cond)
    torch.testing.assert_close(dpt(sample, 41, cond), expected)
    torch.testing.assert_close(dpt(sample, torch.tensor(41), cond), expected)


def test_sinusoidal_follows_the_formula() -> None:
    steps, width = np.array([0.0, 1.0, 57.0, 99.0]), 12
    angle = steps[:, None] * np.exp(-np.log(1e4) * np.arange(6) / 5)[None, :]
    expected = np.concatenate((np.sin(angle), np.cos(angle)), axis=1)
    np.testing.assert_allclose(sinusoidal(torch.tensor(steps), width).numpy(), expected, atol=1e-5)


def test_dropout_acts_in_training_only() -> None:
    config = DPTConfig(3, 5, 7, 3, 2, 2, 16, p_drop_emb=0.2, p_drop_attn=0.2)
    dpt = make(config)
    arguments = inputs(config)
    torch.testing.assert_close(dpt(*arguments), dpt(*arguments))
    dpt.train()
    assert not torch.allclose(dpt(*arguments), dpt(*arguments))
    torch.manual_seed(5)
    first = dpt(*arguments)
    torch.manual_seed(5)
    torch.testing.assert_close(by_blocks(dpt, *arguments), first)


def test_attention_weights_are_dropped_too() -> None:
    config = DPTConfig(3, 5, 7, 3, 1, 2, 16, p_drop_attn=0.5)
    dpt = make(config).train()
    layer = dpt.decoder.layers[0]
    layer.dropout1.p = 0.0  # leaves only the dropout of the attention weights
    sample, timestep, cond = inputs(config)
    h, memory = dpt.embed(sample), dpt.memory(timestep, cond)
    assert not torch.allclose(dpt.block(h, memory, 0), dpt.block(h, memory, 0))


def test_bf16_autocast_and_gradients() -> None:
    dpt = make().train()
    arguments = inputs()
    exact = dpt(*arguments)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rounded = dpt(*arguments)
    torch.testing.assert_close(rounded.float(), exact, rtol=0.2, atol=0.2)
    rounded.float().square().mean().backward()
    without = [n for n, p in dpt.named_parameters() if p.numel() and (p.grad is None or not p.grad.any())]
    assert without == []


def test_initialisation() -> None:
    torch.manual_seed(0)
    dpt = DPT(DPTConfig(8, 64, 16, 2, 2, 4, 128))
    for name, parameter in dpt.state_dict().items():
        if "mask" in name:
            continue
        if name.endswith("bias"):
            assert not parameter.any(), name
        elif "norm" in name or name == "ln_f.weight":
            assert bool((parameter == 1).all()), name
        elif parameter.numel() > 1000:
            assert float(parameter.std()) == pytest.approx(0.02, rel=0.1), name
            assert abs(float(parameter.mean())) < 0.003, name


def test_optim_groups_decay_matrices_only() -> None:
    dpt = make()
    names = {id(parameter): name for name, parameter in dpt.named_parameters()}
    decay, rest = ([names[id(p)] for p in group["params"]] for group in dpt.optim_groups(1e-3))
    assert sorted(decay + rest) == sorted(names.values())
    assert all(
        n.endswith(("weight", "in_proj_weight")) and "norm" not in n and "ln_f" not in n for n in decay
    )
    assert {"pos_emb", "cond_pos_emb", "_dummy_variable", "ln_f.weight"} <= set(rest)
    assert not [n for n in rest if n.endswith("weight") and "norm" not in n and n != "ln_f.weight"]
    assert [g["weight_decay"] for g in dpt.optim_groups(1e-3)] == [1e-3, 0.0]


def test_errors_name_the_bound() -> None:
    dpt = make()
    sample, timestep, cond = inputs()
    with pytest.raises(ValueError, match=r"\(2, 2, 5\); expected \(B, 3, 5\)"):
        dpt(sample, timestep, cond[:, :2])
    with pytest.raises(ValueError, match="14 tokens; the horizon is 7"):
        dpt(torch.cat((sample, sample), dim=1), timestep, cond)
    for index in (-1, 6):
        with pytest.raises(IndexError, match="there are 6"):
            dpt.block(dpt.embed(sample), dpt.memory(timestep, cond), index)
    with pytest.raises(ValueError, match="width is 18; it must be a multiple of 8"):
        DPTConfig(3, 5, 7, 3, 2, 4, 18)
    with pytest.raises(ValueError, match="layers is 0"):
        DPTConfig(3, 5, 7, 3, 0, 4, 16)
    with pytest.raises(ValueError, match="n_cond_layers is -1"):
        DPTConfig(3, 5, 7, 3, 2, 4, 16, n_cond_layers=-1)
