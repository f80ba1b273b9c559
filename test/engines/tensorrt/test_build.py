"""How Torch-TensorRT is asked, shown with a stand-in that records it."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest
import torch

from sag_ros.engines.savings.folded_weights import fold
from sag_ros.engines.tensorrt import compile as tensorrt_compile
from sag_ros.engines.tensorrt.build import build, import_torch_tensorrt
from sag_ros.engines.tensorrt.compile import compile_parts, missing
from sag_ros.engines.tensorrt.export import export, make_parts, signatures
from sag_ros.engines.tensorrt.runtime import TensorRtError
from sag_ros.engines.tensorrt.store import Key, timing_cache
from sag_ros.policy.random_bundle import random_bundle

# Read in the sources: parameters that convert_exported_program_to_serialized_trt_engine has both in
# Torch-TensorRT 2.11 and in 2.13. It takes others without a word, so a misspelt one would have no effect.
PARAMETERS = {
    "exported_program", "inputs", "arg_inputs", "kwarg_inputs", "device", "disable_tf32",
    "assume_dynamic_shape_support", "sparse_weights", "engine_capability", "num_avg_timing_iters",
    "workspace_size", "dla_sram_size", "dla_local_dram_size", "dla_global_dram_size", "truncate_double",
    "require_full_compilation", "min_block_size", "torch_executed_ops", "torch_executed_modules",
    "pass_through_build_failures", "max_aux_streams", "version_compatible", "optimization_level",
    "use_python_runtime", "use_fast_partitioner", "enable_experimental_decompositions", "dryrun",
    "hardware_compatible", "timing_cache_path", "lazy_engine_init", "cache_built_engines",
    "reuse_cached_engines", "engine_cache_dir", "engine_cache_size", "custom_engine_cache", "use_fp32_acc",
    "refit_identical_engine_weights", "strip_engine_weights", "immutable_weights", "enable_weight_streaming",
    "tiling_optimization_level", "l2_limit_for_tiling", "offload_module_to_cpu", "use_distributed_mode_trace",
    "decompose_attention", "attn_bias_is_causal",
}  # fmt: skip
CPU = torch.device("cpu")


class Library:
    """Stands in for the module torch_tensorrt."""

    def __init__(self, result=b"engine"):
        self.asked, self.result = [], result
        self.dynamo = SimpleNamespace(convert_exported_program_to_serialized_trt_engine=self.convert)

    class Input:
        def __init__(self, shape, dtype):
            self.shape, self.dtype = shape, dtype

    def convert(self, exported_program, inputs=None, **named):
        assert isinstance(exported_program, torch.export.ExportedProgram)
        assert inputs is None  # either these or arg_inputs
        self.asked.append(named)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


@pytest.fixture(scope="module")
def policy():
    return random_bundle(3)


@pytest.fixture
def part(policy):
    return make_parts(fold(policy.dpt), policy.dpt.config, 9, torch.float32)[1]


def test_arguments(part, tmp_path):
    library = Library()
    file = tmp_path / "timings.bin"
    assert build(part.name, export(part, CPU), part.signature, CPU, file, library) == b"engine"
    (asked,) = library.asked
    assert set(asked) <= PARAMETERS
    assert [(own.shape, own.dtype) for own in asked["arg_inputs"]] == [
        (shape, torch.float32) for shape in part.signature.inputs.values()
    ]
    assert asked["device"] == CPU
    assert asked["timing_cache_path"] == str(file)
    assert asked["disable_tf32"] is asked["immutable_weights"] is asked["require_full_compilation"] is True
    assert asked["cache_built_engines"] is asked["reuse_cached_engines"] is False
    build(part.name, export(part, CPU), part.signature, CPU, library=library)
    assert "timing_cache_path" not in library.asked[1]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (
            UnboundLocalError("interpreter_result"),
            r"not compiled \(UnboundLocalError: interpreter_result\); Torch",
        ),
        (None, "compiling gave NoneType, not the bytes of an engine"),
        (b"", "compiling gave bytes"),
    ],
)
def test_failures_name_the_part(part, result, message):
    with pytest.raises(TensorRtError, match=rf"part layer0\.cross_attention: .*{message}"):
        build(part.name, export(part, CPU), part.signature, CPU, library=Library(result))


def test_all_parts_in_turn(policy, tmp_path, monkeypatch):
    monkeypatch.setenv("SAG_ROS_CACHE", str(tmp_path))
    key = Key("p", "sizes", "9", "bf16", "gpu", "1", "2", "3", "4")
    asked = []

    def compile_part(name, program, signature, device, timings):
        assert timings == timing_cache(key)
        asked.append((name, device, {tensor.dtype for tensor in program.state_dict.values()}))
        return name.encode()

    expected = signatures(policy.dpt.config, 9)
    made = compile_parts(policy, key, CPU, compile_part)
    assert next(made) == ("layer0.self_attention", b"layer0.self_attention")
    assert len(asked) == 1  # each when it is its turn: progress can be shown
    assert dict(made).keys() == expected.keys() - {"layer0.self_attention"}
    assert [name for name, _, _ in asked] == list(expected)
    assert torch.bfloat16 in asked[0][2]
    with pytest.raises(ValueError, match="token-wise"):
        next(compile_parts(random_bundle(0, network={"cond_layers": 1}), key, CPU, compile_part))


def test_what_is_missing_is_named(monkeypatch):
    present = set()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name in present or None)
    monkeypatch.setattr(tensorrt_compile, "cuda_obstacle", lambda: "no NVIDIA GPU")
    packages, gpu = missing()
    assert packages.startswith("torch_tensorrt and tensorrt missing (extra [tensorrt]; TensorRT's own wheels")
    assert gpu == "no NVIDIA GPU"
    present.add("torch_tensorrt")
    assert missing()[0].startswith("tensorrt missing")
    present.add("tensorrt")
    assert missing() == ("no NVIDIA GPU",)
    monkeypatch.setattr(tensorrt_compile, "cuda_obstacle", lambda: None)
    assert missing() == ()


def test_a_library_without_tensorrt_is_an_import_error(monkeypatch, tmp_path):
    """It raises a plain Exception then."""
    monkeypatch.delitem(sys.modules, "torch_tensorrt", raising=False)
    (tmp_path / "torch_tensorrt.py").write_text("raise Exception('libnvinfer.so.10 not found')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"does not load: libnvinfer\.so\.10 not found"):
        import_torch_tensorrt()
    (tmp_path / "torch_tensorrt.py").write_text("import sag_test_absent")
    with pytest.raises(ModuleNotFoundError, match="sag_test_absent"):
        import_torch_tensorrt()
