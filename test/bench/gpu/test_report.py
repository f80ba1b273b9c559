import json

import pytest

from sag_ros.bench.gpu import report as gpu_report
from sag_ros.bench.gpu.sections import error_row


def timed(what, precision, mask, host, variant="", device=None):
    return {
        "what": what, "variant": variant, "precision": precision, "mask": mask, "density": 0.1, "chunks": 200,
        "host_ms_p50": host, "host_ms_p99": 2 * host, "device_ms_p50": device, "device_ms_p99": device,
    }  # fmt: skip


def checked(case="dense", error=1e-4, ok=True, identical=True):
    return {
        "what": "cuda_graph", "precision": "f32", "case": case, "error": error, "allowed": 1e-3, "ok": ok,
        "identical": identical, "where": "",
    }  # fmt: skip


@pytest.fixture
def content():
    return {
        "finished": True, "seed": 5, "hardware": {"cpu": "a CPU"}, "checks": [checked()], "absent": [],
        "machine": {"gpu": {"name": "NVIDIA H200"}, "ceilings": {"copy_gb_per_s": 10.0}}, "errors": [],
        "sections": [{"name": "machine", "status": "done", "seconds": 1.0}],
        "times": [
            timed("torch eager", "f32", "dense", 200.0),
            timed("torch eager", "bf16", "dense", 1.0),
            timed("cuda_graph", "bf16", "random 0.09", 8.0, device=7.5),
            timed("cuda_graph", "bf16", "random 0.09", 4.0, "prepared"),
            timed("cuda_graph", "bf16", "random 0.09", 0.1, "again"),
            timed("cuda_graph", "bf16", "dense", 30.0),
            timed("persistent:parts=4", "bf16", "random 0.09", 2.5),
            timed("native", "bf16", "random 0.09", 0.2, "cpu"),
        ],
        "pipeline": [],
    }  # fmt: skip


def test_targets_stand_beside_what_was_measured(content):
    found = {row["target"]: (row["value"], row["met"]) for row in gpu_report.targets(content)}
    assert found == {
        "times faster than dense torch eager f32, density .09": (80.0, True),
        "cuda_graph, ms per chunk, density .09": (4.0, True),
        "persistent, ms per chunk, density .09": (2.5, False),
    }
    content["times"] = []
    assert {row["met"] for row in gpu_report.targets(content)} == {None}


def test_ratios_to_torch_and_to_the_engine_dense(content):
    times = next(table for table in gpu_report.tables(content) if table.title.startswith("ms per chunk"))
    line = dict(zip(times.columns, times.rows[2], strict=True))
    assert (line["device p50"], line["host p50"], line["× eager"], line["× graph"], line["× own dense"]) == (
        "7.5", "8", "25", "", "3.75",
    )  # fmt: skip


def test_failures_name_what_to_look_at(content):
    assert gpu_report.failures(content) == []
    content["errors"] = [error_row("sparse", "persistent", "RuntimeError: lost", ["a.py:1 f", "b.py:2 g"])]
    content["checks"] += [checked(ok=False, identical=False), checked("blocks", float("inf"), False, None)]
    assert gpu_report.failures(content) == [
        "sparse, persistent: RuntimeError: lost (b.py:2 g)",
        "cuda_graph f32, dense: error 1.0e-04, allowed 1.0e-03, two runs DIFFER",
        "cuda_graph f32, blocks: error inf, allowed 1.0e-03",
    ]


def test_nothing_checked_is_a_failure(content):
    content["checks"] = []
    assert "no engine was checked" in gpu_report.failures(content)[0]


def test_json_is_valid_whatever_the_errors_are(content, tmp_path, capsys):
    content["checks"].append(checked("blocks", float("inf"), False))
    path = tmp_path / "out" / "check.json"
    gpu_report.save(content, path)
    stored = json.loads(path.read_text(), parse_constant=lambda text: pytest.fail(f"not JSON: {text}"))
    assert stored["checks"][1]["error"] == "inf"
    assert stored["targets"][0]["met"] is True
    assert sorted(own.name for own in path.parent.iterdir()) == ["check.json", "check.md"]
    text = path.with_suffix(".md").read_text()
    assert "# gpu-check: NVIDIA H200" in text and "copy_gb_per_s 10.0" in text and "| FAILED |" in text
    gpu_report.show(content)
    assert "MISSED" in capsys.readouterr().out


def test_kept_results_have_the_name_of_the_gpu(content, tmp_path):
    content["times"][0]["how"] = "a | b [c]"
    paths = gpu_report.keep(content, tmp_path)
    assert [path.name for path in paths] == ["gpu_nvidia_h200.json", "gpu_nvidia_h200.md"]
    assert all(path.is_file() for path in paths)


def test_an_unfinished_run_says_so(content):
    content["finished"] = False
    content["sections"].append({"name": "eager", "status": "skipped", "seconds": 0.0, "why": "3 s left"})
    assert "Not finished." in gpu_report.markdown(content)
    assert "| eager | 3 s left |" in gpu_report.markdown(content)


def test_tables_are_printed_without_rich(content, monkeypatch, capsys):
    import builtins

    real = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("rich"):
            raise ImportError(name)
        return real(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    gpu_report.show(content)
    assert "| cuda_graph prepared |" in capsys.readouterr().out
