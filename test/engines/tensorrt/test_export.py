from __future__ import annotations

import numpy as np
import pytest
import torch

from sag_ros.engines.savings.cross_attention import head_matrices
from sag_ros.engines.savings.folded_weights import fold
from sag_ros.engines.tensorrt.export import HEAD, KINDS, export, make_parts, signatures
from sag_ros.policy.random_bundle import random_bundle

# Read in Torch-TensorRT 2.11 (dynamo/conversion): operations that it converts, of those that occur here.
CONVERTED = {
    "aten.native_layer_norm.default", "aten._softmax.default", "aten.gelu.default", "aten.linear.default",
    "aten.addmm.default", "aten.mm.default", "aten.bmm.default", "aten.matmul.default", "aten.add.Tensor",
    "aten.permute.default", "aten.view.default", "aten._reshape_copy.default", "aten.reshape.default",
    "aten.select.int", "aten.slice.Tensor", "aten.squeeze.dims", "aten.squeeze.dim", "aten.unsqueeze.default",
    "aten.expand.default", "aten.clone.default", "aten._to_copy.default", "getitem",
}  # fmt: skip
# Those that it keeps whole although torch could take them apart.
KEPT = ("linear.default", "matmul.default", "_softmax.default")
CPU = torch.device("cpu")


@pytest.fixture(scope="module", params=["small", "full"])
def policy(request):
    return random_bundle(5, request.param)


@pytest.fixture(scope="module")
def parts(policy):
    """Exported programs, f32, by name."""
    config, tokens = policy.dpt.config, policy.contract.executed.stop
    return {
        part.name: export(part, CPU) for part in make_parts(fold(policy.dpt), config, tokens, torch.float32)
    }


def centred(x):
    return x - x.mean(dim=-1, keepdim=True)


def assert_near(got, expected, bound=1e-5):
    assert got.shape == expected.shape
    assert (got - expected).abs().max() < bound * expected.abs().max()


def test_every_part_is_there(policy, parts):
    config = policy.dpt.config
    assert list(parts) == list(signatures(config, policy.contract.executed.stop))
    assert len(parts) == config.blocks + 1
    assert {name.partition(".")[2] for name in parts} == {*KINDS, ""}


def test_programs_compute_what_the_network_computes(policy, parts):
    network, config = policy.dpt, policy.dpt.config
    tokens = policy.contract.executed.stop
    torch.manual_seed(0)
    memory = network.memory(7, torch.randn(1, config.obs_steps, config.obs_dim))
    folded = head_matrices(fold(network), config.heads).fold(memory[0].double().numpy())
    a, bias, b = (torch.from_numpy(x).float() for x in folded)  # (S, R, d), (S, R), (S, R, d)
    visible = np.arange(tokens)[:, None] >= np.arange(config.memory_tokens) - 1
    hidden = torch.from_numpy(np.where(visible, 0.0, -1e30)[..., None]).float()
    for block in range(config.blocks):
        layer, kind = divmod(block, 3)
        h = 3.0 * torch.randn(1, tokens, config.width)
        given = [centred(h[0])]
        if kind == 1:
            heads = slice(layer * config.heads, (layer + 1) * config.heads)
            given += [a[:, heads].contiguous(), bias[None, :, heads] + hidden, b[:, heads].contiguous()]
        got = parts[f"layer{layer}.{KINDS[kind]}"].module()(*given)
        assert_near(got, centred(network.block(h, memory, block)[0]))
    assert_near(parts[HEAD].module()(centred(h[0])), network.readout(h)[0])


def test_shapes_and_formats(policy, parts):
    for name, signature in signatures(policy.dpt.config, policy.contract.executed.stop).items():
        inputs = parts[name].graph_signature.user_inputs
        values = {node.name: node.meta["val"] for node in parts[name].graph.nodes if "val" in node.meta}
        assert list(inputs) == list(signature.inputs)  # the names that the engine's inputs will have
        assert [tuple(values[name].shape) for name in inputs] == list(signature.inputs.values())
        (output,) = parts[name].graph_signature.user_outputs
        assert tuple(values[output].shape) == signature.output
        assert {values[key].dtype for key in (*inputs, output)} == {torch.float32}


@pytest.mark.parametrize(("dtype", "bound"), [(torch.bfloat16, 2e-2), (torch.float16, 3e-3)])
def test_half_precision(policy, parts, dtype, bound):
    tokens = policy.contract.executed.stop
    torch.manual_seed(0)
    for part in make_parts(fold(policy.dpt), policy.dpt.config, tokens, dtype)[:3]:
        given = [torch.randn(shape) for shape in part.signature.inputs.values()]
        program = export(part, CPU)
        got = program.module()(*given)
        assert got.dtype == torch.float32
        assert_near(got, parts[part.name].module()(*given), bound)
        stored = {tensor.dtype for name, tensor in program.state_dict.items() if "weight" in name}
        assert stored == (set() if "cross" in part.name else {dtype})


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_only_operations_that_can_be_converted(policy, dtype):
    aten = torch.ops.aten
    taken_apart = torch.export.default_decompositions()
    for name in KEPT:
        packet, _, overload = name.partition(".")
        taken_apart.pop(getattr(getattr(aten, packet), overload), None)
    parts = make_parts(fold(policy.dpt), policy.dpt.config, policy.contract.executed.stop, dtype)
    for part in (*parts[:3], parts[-1]):
        program = export(part, CPU).run_decompositions(taken_apart)
        used = {
            getattr(node.target, "__name__", "")
            if node.target.__module__ == "_operator"
            else str(node.target)
            for node in program.graph.nodes
            if node.op == "call_function" and (node.users or not node.all_input_nodes)
        }
        assert used <= CONVERTED
        assert used
