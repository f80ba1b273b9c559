import json

import pytest

from sag_ros.bench.engines.command import Options, main
from sag_ros.engines.native.microkernel import FORMATS
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle


@pytest.fixture
def policy(tmp_path):
    bundle = random_bundle(0, diffusion={"steps": 6}, network={"layers": 2, "heads": 2, "width": 32})
    save_bundle(tmp_path / "policy", bundle)
    return str(tmp_path / "policy")


def test_every_engine_gets_rows_that_agree_with_the_reference(tmp_path, capsys, policy):
    path = tmp_path / "engines.json"
    options = Options(
        json=path, bundle=policy, densities=(1.0, 0.5, 0.3, 0.09), rounds=5, torch_compile=False,
        growth=False, chunks=100,
    )  # fmt: skip
    assert main(options) == 0
    content = json.loads(path.read_text())
    assert not [line for line in content["absent"] if not line.startswith("native-bf16")]
    rows = {(row["engine"], row["precision"], row["mask"], row["density"]): row for row in content["rows"]}
    engines = {(row["engine"], row["precision"]) for row in content["rows"]}
    assert engines == {
        ("torch", "f32"), ("torch-all-cores", "f32"), ("openvino-plain", "f32"), ("reference", "f32"),
        *(("native", precision) for precision in FORMATS),
        *(("openvino", precision) for precision in ("f32", "bf16", "int8")),
    }  # fmt: skip
    # masks of the shipped bundle do not fit 6 steps of 2 layers and are left out
    assert {row["mask"] for row in content["rows"]} == {"dense", "random", "emptiest"}
    for (_, precision, _, density), row in rows.items():
        assert row["error"] < {"f32": 1e-4, "bf16": 0.1, "int16": 0.01, "int8": 0.3}[precision]
        assert 0 < row["ms_p50"] <= row["ms_p99"] <= row["ms_max"]
        assert row["repetitions"] == (1 if row["engine"] in ("torch", "torch-all-cores", "reference") else 5)
        assert row["speedup_vs_own_dense"] == 1.0 or density < 1.0
    fastest_torch = max(row["speedup_vs_torch_dense"] for row in rows.values() if "torch" in row["engine"])
    assert fastest_torch == 1.0
    emptiest = next(row for key, row in rows.items() if key[:3] == ("native", "f32", "emptiest"))
    assert emptiest["density"] == round(3 / 36, 4)
    dense = next(row for key, row in rows.items() if key[:3] == ("native", "f32", "dense"))
    assert emptiest["gflop"] < dense["gflop"]
    savings = {row["without"] for row in content["savings"]}
    assert {"", "all", "idle_steps", "trailing_tokens"} < savings
    assert content["soak"]["chunks"] == 100
    assert content["soak"]["p99_over_p50_of_200"] >= 1.0
    assert (tmp_path / "engines.png").stat().st_size > 10_000
    assert "ms per chunk" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"densities": (1.0, 0.0)}, r"\(0, 1\]"),
        ({"densities": (0.5,)}, "must contain 1"),
        ({"rounds": 1}, "at least 5"),
        ({"chunks": 7}, "at least 100"),
    ],
)
def test_wrong_options_are_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        Options(**changes)
