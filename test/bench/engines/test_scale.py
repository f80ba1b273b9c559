"""What larger policies take."""

from __future__ import annotations

import json

import pytest

from sag_ros.bench.engines import scale
from sag_ros.bench.engines.scale import SIZES, Scale, ScaleBench, measure
from sag_ros.policy.contract_file import parse_contract
from sag_ros.policy.random_bundle import full_contract


@pytest.mark.parametrize("changes", SIZES.values(), ids=SIZES)
def test_every_size_is_a_policy(changes) -> None:
    content = {**full_contract(), "pruner": scale.PRUNER}
    for key, value in changes.items():
        content[key] = {**content[key], **value} if key == "network" else value
    network = parse_contract(content).network
    assert network.width % network.heads == 0


def test_a_small_policy_is_measured() -> None:
    found = measure("small", {"diffusion": {"steps": 5}}, (0.5,), 3, "small")
    assert min(found.encode, found.pruner, found.dense, found.sparse["0.5"]) > 0.0


def test_two_cores_encode_beside_the_chunk() -> None:
    one = Scale("x", "native-bf16", 4.0, 0.5, 100.0, {"0.1": 6.5})
    assert one.chunks("0.1", 1) == pytest.approx(1e3 / 14.0)
    assert one.chunks("0.1", 2) == pytest.approx(100.0)
    assert Scale("x", "y", 50.0, 0.5, 100.0, {"0.1": 6.5}).chunks("0.1", 2) == pytest.approx(20.0)


def test_the_table(monkeypatch: pytest.MonkeyPatch, capsys, tmp_path) -> None:
    one = Scale("as shipped", "native-bf16", 2.0, 0.5, 100.0, {"0.03": 4.5})
    monkeypatch.setattr(scale, "measure", lambda *arguments: one)
    path = tmp_path / "scale.json"
    assert ScaleBench((0.03,), ("as shipped",), 3, path).run() == 0
    printed = capsys.readouterr().out
    row = next(line for line in printed.splitlines() if line.strip().startswith("as shipped  "))
    assert row.split()[2:] == ["2.0", "0.50", "100", "4.5", "100,", "125"]
    assert json.loads(path.read_text())["sizes"][0]["sparse"] == {"0.03": 4.5}


@pytest.mark.parametrize(
    ("options", "said"),
    [({"only": ("x",)}, "available"), ({"count": 0}, "--count"), ({"densities": ()}, "--count")],
)
def test_refusals(options, said) -> None:
    with pytest.raises(ValueError, match=said):
        ScaleBench(**options).run()
