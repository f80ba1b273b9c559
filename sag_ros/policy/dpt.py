"""DP-T, the transformer of Diffusion Policy, cut into its 3L residual blocks.

Chi et al., "Diffusion Policy" (arXiv 2303.04137), with time and observation as condition tokens. The
state dict has the keys of the public checkpoints without their ``model.`` prefix.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BLOCK_TYPES = ("SA", "CA", "FFN")
SA, CA, FFN = range(3)


@dataclass(frozen=True)
class DPTConfig:
    """Size of a DP-T.

    Attributes:
        action_dim: A, length of one action.
        obs_dim: D, length of the features of one observed frame.
        horizon: T, action tokens.
        obs_steps: To, observed frames.
        layers, heads, width: L, attention heads, d.
        n_cond_layers: 0 = token-wise MLP on the condition tokens, else transformer encoder layers.
        p_drop_emb, p_drop_attn: dropout of the embeddings and inside the layers, training only.
    """

    action_dim: int
    obs_dim: int
    horizon: int
    obs_steps: int
    layers: int = 8
    heads: int = 4
    width: int = 256
    n_cond_layers: int = 0
    p_drop_emb: float = 0.0
    p_drop_attn: float = 0.0

    def __post_init__(self) -> None:
        for name in ("action_dim", "obs_dim", "horizon", "obs_steps", "layers", "heads", "width"):
            if getattr(self, name) < 1:
                raise ValueError(f"DPTConfig.{name} is {getattr(self, name)}; it must be at least 1")
        if self.n_cond_layers < 0:
            raise ValueError(f"DPTConfig.n_cond_layers is {self.n_cond_layers}; it must be at least 0")
        if self.width % (2 * self.heads) or self.width < 4:
            raise ValueError(
                f"DPTConfig.width is {self.width}; it must be a multiple of {2 * self.heads}, at least 4"
            )

    @property
    def blocks(self) -> int:
        """3L, the number of residual blocks."""
        return 3 * self.layers

    @property
    def memory_tokens(self) -> int:
        """S = 1 + To, the time token and one token per observed frame."""
        return 1 + self.obs_steps


def sinusoidal(position: Tensor, width: int) -> Tensor:
    """Sinusoidal encoding, (B,) -> (B, width): sines then cosines at frequencies 1 ... 1e-4."""
    half = width // 2
    scale = -math.log(10000.0) / (half - 1)
    frequency = torch.exp(scale * torch.arange(half, device=position.device, dtype=torch.float32))
    angle = position.float()[:, None] * frequency[None, :]
    return torch.cat((angle.sin(), angle.cos()), dim=-1)


def attend(mha: nn.MultiheadAttention, query: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """Multi-head attention with the weights of ``mha``: (B, T, d), (B, S, d), (T, S) -> (B, T, d).

    Written out because ``mha`` itself picks different kernels with and without gradients, and does not
    export as cleanly.
    """
    batch, tokens, width = query.shape
    heads, size = mha.num_heads, width // mha.num_heads
    if query is source:
        q, k, v = F.linear(query, mha.in_proj_weight, mha.in_proj_bias).chunk(3, dim=-1)
    else:
        q = F.linear(query, mha.in_proj_weight[:width], mha.in_proj_bias[:width])
        k, v = F.linear(source, mha.in_proj_weight[width:], mha.in_proj_bias[width:]).chunk(2, dim=-1)
    q, k, v = (x.reshape(batch, -1, heads, size).transpose(1, 2) for x in (q, k, v))
    dropout = mha.dropout if mha.training else 0.0
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=mask.to(q.dtype), dropout_p=dropout)
    return mha.out_proj(mixed.transpose(1, 2).reshape(batch, tokens, width))


class DPT(nn.Module):
    """Noise predictor eps(sample, timestep, cond) whose residual blocks can be run one at a time.

    ``forward`` equals ``h = embed(sample)``; ``h = h + block(h, memory, b)`` for b = 0 ... 3L-1;
    ``readout(h)``. Every step is causal or token-wise, so leading sub-sequences of T' < T tokens give the
    leading tokens of the full result.
    """

    mask: Tensor
    memory_mask: Tensor

    def __init__(self, config: DPTConfig) -> None:
        super().__init__()
        self.config = config
        d, T, S = config.width, config.horizon, config.memory_tokens
        self.input_emb = nn.Linear(config.action_dim, d)
        self.pos_emb = nn.Parameter(torch.zeros(1, T, d))
        self.cond_obs_emb = nn.Linear(config.obs_dim, d)
        self.cond_pos_emb = nn.Parameter(torch.zeros(1, S, d))
        self.drop = nn.Dropout(config.p_drop_emb)
        # the stacks below are containers: forward() uses their sub-modules one block at a time
        self.encoder: nn.Module
        if config.n_cond_layers > 0:
            condition_layer = nn.TransformerEncoderLayer(
                d, config.heads, 4 * d, config.p_drop_attn, "gelu", batch_first=True, norm_first=True
            )
            self.encoder = nn.TransformerEncoder(
                condition_layer, config.n_cond_layers, enable_nested_tensor=False
            )
        else:
            self.encoder = nn.Sequential(nn.Linear(d, 4 * d), nn.Mish(), nn.Linear(4 * d, d))
        layer = nn.TransformerDecoderLayer(
            d, config.heads, 4 * d, config.p_drop_attn, "gelu", batch_first=True, norm_first=True
        )
        self.decoder = nn.TransformerDecoder(layer, config.layers)
        self.ln_f = nn.LayerNorm(d)
        self.head = nn.Linear(d, config.action_dim)
        self._dummy_variable = nn.Parameter(torch.empty(0))  # empty, but present in the public state dict

        self.register_buffer("mask", torch.empty(T, T))
        self.register_buffer("memory_mask", torch.empty(T, S))
        if not self.pos_emb.is_meta:  # there is nothing to fill yet; torch would load its compiler for it
            self.set_masks()
            self.apply(_initialise)
            nn.init.normal_(self.pos_emb, std=0.02)
            nn.init.normal_(self.cond_pos_emb, std=0.02)

    def set_masks(self) -> None:
        """Fill the additive masks: token t sees actions s <= t and memory tokens s <= t + 1."""
        for mask, ahead in ((self.mask, 0), (self.memory_mask, 1)):
            mask.copy_(torch.full_like(mask, float("-inf")).triu(ahead + 1))

    def forward(self, sample: Tensor, timestep: Tensor | int, cond: Tensor) -> Tensor:
        """Predict the noise: (B, T', A), (B,) or a number, (B, To, D) -> (B, T', A)."""
        memory = self.memory(timestep, cond)
        h = self.embed(sample)
        for index in range(self.config.blocks):
            h = h + self.block(h, memory, index)
        return self.readout(h)

    def memory(self, timestep: Tensor | int, cond: Tensor) -> Tensor:
        """Condition tokens, (B,) or a number, (B, To, D) -> (B, S, d): the time token, then the frames.

        With ``n_cond_layers == 0`` each token depends on its own input only.
        """
        frames, size = self.config.obs_steps, self.config.obs_dim
        if cond.ndim != 3 or tuple(cond.shape[1:]) != (frames, size):
            raise ValueError(f"cond has shape {tuple(cond.shape)}; expected (B, {frames}, {size})")
        steps = torch.as_tensor(timestep, device=cond.device).reshape(-1).expand(cond.shape[0])
        time = sinusoidal(steps, self.config.width).to(cond.dtype)
        tokens = torch.cat((time[:, None, :], self.cond_obs_emb(cond).to(cond.dtype)), dim=1)
        return self.encoder(self.drop(tokens + self.cond_pos_emb))

    def embed(self, sample: Tensor) -> Tensor:
        """Action tokens, (B, T', A) -> (B, T', d), T' <= T."""
        if sample.shape[1] > self.config.horizon:
            raise ValueError(f"sample has {sample.shape[1]} tokens; the horizon is {self.config.horizon}")
        return self.drop(self.input_emb(sample) + self.pos_emb[:, : sample.shape[1]])

    def block(self, h: Tensor, memory: Tensor, index: int) -> Tensor:
        """Residual of block ``3 * layer + {0: SA, 1: CA, 2: FFN}``: (B, T', d), (B, S, d) -> (B, T', d)."""
        if not 0 <= index < self.config.blocks:
            raise IndexError(f"block {index} does not exist; there are {self.config.blocks}")
        layer, tokens = self.decoder.layers[index // 3], h.shape[1]
        if index % 3 == SA:
            x = layer.norm1(h)
            return layer.dropout1(attend(layer.self_attn, x, x, self.mask[:tokens, :tokens]))
        if index % 3 == CA:
            x = layer.norm2(h)
            return layer.dropout2(attend(layer.multihead_attn, x, memory, self.memory_mask[:tokens]))
        x = layer.linear1(layer.norm3(h))
        return layer.dropout3(layer.linear2(layer.dropout(F.gelu(x))))

    def readout(self, h: Tensor) -> Tensor:
        """Predicted noise, (B, T', d) -> (B, T', A)."""
        return self.head(self.ln_f(h))

    def optim_groups(self, weight_decay: float) -> list[dict[str, object]]:
        """Parameter groups for AdamW: decay on the weights of Linear and attention only."""
        decay: list[Tensor] = []
        for module in self.modules():
            if isinstance(module, nn.Linear):
                decay.append(module.weight)
            elif isinstance(module, nn.MultiheadAttention):
                decay.append(module.in_proj_weight)
        chosen = {id(p) for p in decay}
        rest = [p for p in self.parameters() if id(p) not in chosen]
        return [{"params": decay, "weight_decay": weight_decay}, {"params": rest, "weight_decay": 0.0}]


def _initialise(module: nn.Module) -> None:
    """Normal(0, 0.02) weights and zero biases, as the public implementation."""
    if isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.MultiheadAttention):
        nn.init.normal_(module.in_proj_weight, std=0.02)
        nn.init.zeros_(module.in_proj_bias)
