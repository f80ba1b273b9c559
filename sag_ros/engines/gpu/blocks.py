"""The network's parts as torch modules of static shape, for CUDA graphs and for export to TensorRT.

Weights as in ``savings.folded_weights``: the stream h (T', d) is float32 and centred. T' tokens, d width, H
heads, S memory tokens, A action dimensions.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from sag_ros.engines.savings.cross_attention import HeadMatrices
from sag_ros.engines.savings.folded_weights import NORM_EPSILON, Array, Attention, Projection
from sag_ros.policy.dpt import DPT


class Linear(nn.Module):
    """A projection whose weight (out, in) and bias (out,) have the format ``dtype``."""

    weight: Tensor
    bias: Tensor

    def __init__(self, projection: Projection, dtype: torch.dtype) -> None:
        super().__init__()
        self.register_buffer("weight", tensor(projection.weight, dtype))
        self.register_buffer("bias", tensor(projection.bias, dtype))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight, self.bias)


class SelfAttention(nn.Module):
    """h (T', d) -> residual (T', d), causal."""

    causal: Tensor

    def __init__(
        self, block: Attention, heads: int, tokens: int, dtype: torch.dtype, explicit: bool = False
    ) -> None:
        """``explicit``: as matrix products and a float32 softmax, not torch's fused attention."""
        super().__init__()
        width = len(block.key)
        joint = Projection(
            np.concatenate([block.query.weight, block.key, block.value]),
            np.concatenate([block.query.bias, np.zeros(2 * width)]),
        )
        self.joint, self.out = Linear(joint, dtype), Linear(block.out, dtype)
        self._shape = tokens, 3, heads, width // heads
        self._explicit = explicit
        self.register_buffer("causal", tensor(np.where(np.tri(tokens, dtype=bool), 0.0, -1e4), torch.float32))

    def forward(self, h: Tensor) -> Tensor:
        return self.normalised(normalise(h).to(self.joint.weight.dtype)).float()

    def normalised(self, x: Tensor) -> Tensor:
        """The same from the normalised stream, all in the weights' format."""
        query, key, value = self.joint(x).reshape(self._shape).permute(1, 2, 0, 3).unbind(0)
        if self._explicit:
            scores = (query @ key.transpose(1, 2)).float() + self.causal
            mixed = scores.softmax(dim=-1).to(value.dtype) @ value
        else:  # the query is scaled in its weights
            mixed = F.scaled_dot_product_attention(
                query[None], key[None], value[None], is_causal=True, scale=1.0
            )[0]
        out: Tensor = self.out(mixed.transpose(0, 1).reshape(x.shape))
        return out


class FeedForward(nn.Module):
    """h (T', d) -> residual (T', d)."""

    def __init__(self, projections: tuple[Projection, Projection], dtype: torch.dtype) -> None:
        super().__init__()
        self.up, self.down = (Linear(projection, dtype) for projection in projections)

    def forward(self, h: Tensor) -> Tensor:
        return self.normalised(normalise(h).to(self.up.weight.dtype)).float()

    def normalised(self, x: Tensor) -> Tensor:
        """The same from the normalised stream, all in the weights' format."""
        out: Tensor = self.down(F.gelu(self.up(x)))
        return out


class CrossAttention(nn.Module):
    """h (T', d), one layer's folded A and B (S, H, d) and bias (T', S, H) -> residual (T', d)."""

    def forward(self, h: Tensor, a: Tensor, bias: Tensor, b: Tensor) -> Tensor:
        tokens, width = h.shape
        scores = torch.addmm(bias.reshape(tokens, -1), normalise(h), a.reshape(-1, width).t())
        shares = scores.reshape(bias.shape).softmax(dim=1).reshape(tokens, -1)
        return shares @ b.reshape(-1, width)


class Head(nn.Module):
    """h (T', d) -> predicted noise (T', A), float32."""

    def __init__(self, readout: Projection) -> None:
        super().__init__()
        self.readout = Linear(readout, torch.float32)

    def forward(self, h: Tensor) -> Tensor:
        return self.readout(normalise(h))


class Conditioning(nn.Module):
    """Features (To, D) -> the frames' part of the folded cross-attention, float32.

    A (L, To, H, d), bias (L, To, H), B (L, To, H, d); see ``savings.cross_attention``.
    """

    def __init__(self, dpt: DPT, matrices: HeadMatrices) -> None:
        super().__init__()
        config = dpt.config
        self._shape = config.layers, config.heads, config.obs_steps
        weights = {key: value.detach().double().cpu().numpy() for key, value in dpt.state_dict().items()}
        positions = weights["cond_pos_emb"][0, 1:] + weights["cond_obs_emb.bias"]

        def buffer(name: str, array: Array) -> None:
            self.register_buffer(name, tensor(array, torch.float32))

        buffer("frame", weights["cond_obs_emb.weight"].T)
        buffer("positions", positions)
        self.up, self.down = (
            Linear(Projection(weights[f"{name}.weight"], weights[f"{name}.bias"]), torch.float32)
            for name in ("encoder.0", "encoder.2")
        )
        buffer("projections", np.concatenate([matrices.key, matrices.value]).T)
        # Of keys and of values: (L H, d/H, d) each.
        buffer("fold", np.stack([matrices.query, matrices.out]))
        buffer("out_bias", matrices.out_bias[:, None])
        buffer("scores", matrices.bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        layers, heads, frames = self._shape
        tokens = torch.addmm(self.get_buffer("positions"), features, self.get_buffer("frame"))
        memory = self.down(F.mish(self.up(tokens)))
        projected = memory @ self.get_buffer("projections")
        by_head = projected.reshape(frames, 2, layers * heads, -1).permute(1, 2, 0, 3)
        a, b = (by_head @ self.get_buffer("fold")).unbind(0)  # (L H, To, d)
        bias = (memory @ self.get_buffer("scores")).reshape(frames, layers, heads).transpose(0, 1)
        b = b + self.get_buffer("out_bias")
        a, b = (x.reshape(layers, heads, frames, -1).transpose(1, 2) for x in (a, b))
        return a, bias, b


def normalise(h: Tensor) -> Tensor:
    """LayerNorm without gain and offset, which the weights behind it hold."""
    return F.layer_norm(h, h.shape[-1:], eps=NORM_EPSILON)


def tensor(array: NDArray[np.floating], dtype: torch.dtype) -> Tensor:
    """A contiguous tensor of ``dtype``."""
    return torch.from_numpy(np.ascontiguousarray(array)).to(dtype)
