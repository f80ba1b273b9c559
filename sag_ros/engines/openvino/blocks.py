"""OpenVINO models with static shapes and the weights inside: blocks, whole layers, the conditioning."""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
import openvino.opset13 as ops

from sag_ros.engines.savings.cross_attention import HeadMatrices
from sag_ros.engines.savings.folded_weights import NORM_EPSILON, Array, Attention, FoldedWeights, Projection
from sag_ros.policy.dpt import DPT


class BlockModels:
    """Builds models for T' action tokens; ``int8`` weights where asked for."""

    def __init__(self, weights: FoldedWeights, heads: int, tokens: int, int8: bool = False) -> None:
        self._layers = weights.layers
        self._heads, self._tokens, self._int8 = heads, tokens, int8
        self._width = weights.embed.shape[0]

    def self_attention(self, layer: int) -> ov.Model:
        """(T', d) stream -> (T', d) residual, causal."""
        stream = self._stream()
        return ov.Model([self._self_attention(stream, layer)], [stream], "self_attention")

    def feed_forward(self, layer: int) -> ov.Model:
        """(T', d) stream -> (T', d) residual."""
        stream = self._stream()
        return ov.Model([self._feed_forward(stream, layer)], [stream], "feed_forward")

    def all_layers(self, memory: int) -> ov.Model:
        """All blocks, none pruned: one request costs less than 3L.

        Inputs: stream (T', d); the layers' folded cross-attention A (L, S H, d), bias (L, T', S H),
        B (L, S H, d). Output: (4, T', d), the last layer's residuals SA, CA and FFN, and the sum of all.
        """
        tokens, scores, count = self._tokens, memory * self._heads, len(self._layers)
        stream = self._stream()
        shapes = [scores, self._width], [tokens, scores], [scores, self._width]
        folded = [ops.parameter([count, *shape], np.float32) for shape in shapes]
        parts = [ops.split(array, _integers(0), count).outputs() for array in folded]
        h, total = stream, None
        for layer in range(count):
            a, bias, b = (
                ops.reshape(part[layer], _integers(shape), False)
                for part, shape in zip(parts, shapes, strict=True)
            )
            attention = self._self_attention(h, layer)
            h = ops.add(h, attention)
            cross = self._cross_attention(h, a, bias, b)
            h = ops.add(h, cross)
            forward = self._feed_forward(h, layer)
            h = ops.add(h, forward)
            for residual in (attention, cross, forward):
                total = residual if total is None else ops.add(total, residual)
        residuals = (attention, cross, forward, total)
        rows = [ops.reshape(x, _integers([1, tokens, self._width]), False) for x in residuals]
        return ov.Model([ops.concat(rows, 0)], [stream, *folded], "all_layers")

    def _stream(self) -> Any:
        return ops.parameter([self._tokens, self._width], np.float32, name="stream")

    def _self_attention(self, stream: Any, layer: int) -> Any:
        block: Attention = self._layers[layer].self_attention
        tokens, heads, width = self._tokens, self._heads, self._width
        size = width // heads
        joint = Projection(
            np.concatenate([block.query.weight, block.key, block.value]),
            np.concatenate([block.query.bias, np.zeros(2 * width)]),
        )
        qkv = self._project(_normalise(stream), joint)
        qkv = ops.transpose(
            ops.reshape(qkv, _integers([1, tokens, 3, heads, size]), False), _integers([2, 0, 3, 1, 4])
        )
        query, key, value = (
            ops.reshape(part, _integers([1, heads, tokens, size]), False)
            for part in ops.split(qkv, _integers(0), 3).outputs()
        )
        causal = np.where(np.tri(tokens, dtype=bool), 0.0, -1e30)[None, None]
        scores = ops.add(ops.matmul(query, key, False, True), _constant(causal))
        mixed = ops.matmul(ops.softmax(scores, -1), value, False, False)
        mixed = ops.reshape(ops.transpose(mixed, _integers([0, 2, 1, 3])), _integers([tokens, width]), False)
        return self._project(mixed, block.out)

    def _cross_attention(self, stream: Any, a: Any, bias: Any, b: Any) -> Any:
        scores = ops.add(ops.matmul(_normalise(stream), a, False, True), bias)
        by_token = ops.reshape(scores, _integers([self._tokens, -1, self._heads]), False)
        probabilities = ops.reshape(ops.softmax(by_token, 1), _integers([self._tokens, -1]), False)
        return ops.matmul(probabilities, b, False, False)

    def _feed_forward(self, stream: Any, layer: int) -> Any:
        first, second = self._layers[layer].feed_forward
        return self._project(ops.gelu(self._project(_normalise(stream), first), "erf"), second)

    def _project(self, x: Any, projection: Projection) -> Any:
        if not self._int8:
            return _project(x, projection)
        scale = np.abs(projection.weight).max(axis=1, keepdims=True) / 127.0
        scale = np.maximum(scale, 1e-12)
        whole = ops.constant(np.round(projection.weight / scale).astype(np.int8))
        weight = ops.multiply(ops.convert(whole, np.float32), _constant(scale))
        return ops.add(ops.matmul(x, weight, False, True), _constant(projection.bias[None]))


def conditioning(dpt: DPT, matrices: HeadMatrices) -> ov.Model:
    """(To, D) observation features -> the frames' part of the folded cross-attention.

    Outputs: A (L, To, H, d), bias (L, To, H), B (L, To, H, d).
    """
    config = dpt.config
    frames, heads, layers, width = config.obs_steps, config.heads, config.layers, config.width
    weights = {key: value.detach().double().numpy() for key, value in dpt.state_dict().items()}

    def linear(x: Any, name: str) -> Any:
        return _project(x, Projection(weights[f"{name}.weight"], weights[f"{name}.bias"]))

    features = ops.parameter([frames, config.obs_dim], np.float32, name="features")
    x = ops.add(linear(features, "cond_obs_emb"), _constant(weights["cond_pos_emb"][0, 1:]))
    memory = linear(ops.mish(linear(x, "encoder.0")), "encoder.2")

    def per_head(projection: Array, matrix: Array) -> Any:
        """(To, d) -> (L H, To, d)."""
        product = ops.matmul(memory, _constant(projection), False, True)
        product = ops.reshape(product, _integers([frames, layers * heads, width // heads]), False)
        return ops.matmul(ops.transpose(product, _integers([1, 0, 2])), _constant(matrix), False, False)

    def by_frame(x: Any, last: list[int]) -> Any:
        """(L H, To, ...) -> (L, To, H, ...)."""
        x = ops.reshape(x, _integers([layers, heads, frames, *last]), False)
        return ops.transpose(x, _integers([0, 2, 1, *range(3, 3 + len(last))]))

    a = by_frame(per_head(matrices.key, matrices.query), [width])
    values = ops.add(per_head(matrices.value, matrices.out), _constant(matrices.out_bias[:, None]))
    bias = ops.transpose(ops.matmul(memory, _constant(matrices.bias), False, False), _integers([1, 0]))
    return ov.Model([a, by_frame(bias, []), by_frame(values, [width])], [features], "conditioning")


def _normalise(stream: Any) -> Any:
    return ops.mvn(stream, _integers([-1]), True, NORM_EPSILON, "inside_sqrt")


def _project(x: Any, projection: Projection) -> Any:
    product = ops.matmul(x, _constant(projection.weight), False, True)
    return ops.add(product, _constant(projection.bias[None]))


def _constant(array: Array) -> Any:
    return ops.constant(np.ascontiguousarray(array, np.float32))


def _integers(values: int | list[int]) -> Any:
    return ops.constant(np.array(values, np.int64))
