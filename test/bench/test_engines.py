import json

import pytest

from sag_ros.bench.engines import Options, main
from sag_ros.policy.bundle import save_bundle
from sag_ros.policy.random_bundle import random_bundle


def test_every_engine_gets_rows_that_agree_with_the_reference(tmp_path, capsys):
    bundle = random_bundle(0, diffusion={"steps": 6}, network={"layers": 2, "heads": 2, "width": 32})
    save_bundle(tmp_path / "policy", bundle)
    path = tmp_path / "engines.json"
    options = Options(
        json=path,
        bundle=str(tmp_path / "policy"),
        densities=(1.0, 0.3),
        repetitions=5,
        torch_compile=False,
    )
    assert main(options) == 0
    content = json.loads(path.read_text())
    assert not content["absent"]
    rows = {(row["engine"], row["precision"], row["density"]): row for row in content["rows"]}
    assert set(rows) == {
        ("torch", "f32", 1.0),
        ("openvino-plain", "f32", 1.0),
        *(
            ("openvino", precision, density)
            for precision in ("f32", "bf16", "int8")
            for density in (1.0, 0.3)
        ),
    }
    for (_, precision, _), row in rows.items():
        assert row["error"] < {"f32": 1e-4, "bf16": 0.1, "int8": 0.3}[precision]
        assert 0 < row["ms_p50"] <= row["ms_p99"] <= row["ms_max"]
        assert row["repetitions"] >= 5
    assert rows["torch", "f32", 1.0]["speedup_vs_torch_dense"] == 1.0
    assert rows["openvino", "f32", 0.3]["gflop"] < rows["openvino", "f32", 1.0]["gflop"]
    assert (tmp_path / "engines.png").stat().st_size > 10_000
    assert "milliseconds per chunk" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "text"), [({"densities": (0.0,)}, r"\(0, 1\]"), ({"repetitions": 1}, "at least 5")]
)
def test_wrong_options_are_refused(changes, text):
    with pytest.raises(ValueError, match=text):
        Options(**changes)
