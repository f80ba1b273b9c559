"""The table of ``sag ...``: what there is, and where. Nothing is imported here."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command: its words, its function or dataclass, one line of help, the extras it needs."""

    words: str
    target: str
    summary: str
    extras: tuple[str, ...] = ()


COMMANDS = (
    Command(
        "demo",
        "sag_ros.ros.demo.command:main",
        "run policy and simulated robot as ROS 2 nodes; video and report in out/demo",
        ("sim", "openvino", "flight", "ros"),
    ),
    Command(
        "bench tasks",
        "sag_ros.bench.tasks.command:main",
        "success and speed of methods on a task, closed loop without ROS",
        ("sim", "bench", "openvino"),
    ),
    Command(
        "bench paper",
        "sag_ros.bench.paper.command:main",
        "the tables of the paper on its tasks, with our policies, beside the published figures",
        ("sim", "bench", "benchmarks", "openvino"),
    ),
    Command(
        "bench engines",
        "sag_ros.bench.engines.command:main",
        "milliseconds per chunk of every engine, dense and sparse",
        ("openvino",),
    ),
    Command(
        "bench scale",
        "sag_ros.bench.engines.scale:ScaleBench",
        "what larger policies and more cameras take on this machine",
        ("openvino",),
    ),
    Command("gpu-check", "sag_ros.bench.gpu.command:main", "check and time the GPU engines on this machine"),
    Command(
        "bench masks",
        "sag_ros.bench.masks.command:main",
        "what the pruner decides in each phase, and what each of its masks is worth alone",
        ("sim", "bench", "openvino"),
    ),
    Command(
        "bench reuse",
        "sag_ros.bench.masks.reuse:Reuse",
        "how well cached residuals stand in for those that are not computed",
        ("train",),
    ),
    Command(
        "bench fci",
        "sag_ros.bench.fci.command:FciStreams",
        "streams of chunks to an FR3 through libfranka, real or emulated, judged by the robot",
        ("bench", "fci"),
    ),
    Command(
        "bench faults",
        "sag_ros.ros.faults.command:FaultBench",
        "one fault after another on the running graph: what the arm does, what is said, how it goes on",
        ("sim", "bench", "openvino", "ros"),
    ),
    Command(
        "bench soak",
        "sag_ros.ros.faults.soak:SoakBench",
        "an hour of the running graph with random faults: what breaks, what grows",
        ("sim", "bench", "openvino", "ros"),
    ),
    Command(
        "fuzz",
        "sag_ros.bench.fuzz.command:Fuzzing",
        "chunks of all kinds to the supervisor; no command may break a limit of the arm",
        ("bench",),
    ),
    Command(
        "latency",
        "sag_ros.ros.latency.command:LatencyTest",
        "attach to a running graph: where the time goes from camera to arm",
        ("sim", "bench", "ros"),
    ),
    Command(
        "view",
        "sag_ros.ros.view.command:View",
        "serve a page in the browser that shows a running graph, with buttons",
        ("view", "ros"),
    ),
    Command(
        "replay",
        "sag_ros.ros.replay.command:Replay",
        "compute a recording of the flight recorder again; what another policy would have done",
        ("bench", "openvino", "flight", "ros"),
    ),
    Command(
        "record graph",
        "sag_ros.ros.record.command:GraphRecording",
        "record demonstrations from a running graph while somebody moves the arm",
        ("train", "ros"),
    ),
    Command(
        "record",
        "sag_ros.train.record.command:Recording",
        "record scripted demonstrations",
        ("sim", "train"),
    ),
    Command(
        "convert",
        "sag_ros.train.convert.command:Conversion",
        "make demonstrations of a LeRobot dataset, a robomimic file or ROS bags",
        ("sim", "train", "convert"),
    ),
    Command(
        "pictures",
        "sag_ros.train.pictures:Pictures",
        "what pictures look like in training, kept in a bundle for the policy node",
        ("sim", "train"),
    ),
    Command(
        "train policy",
        "sag_ros.train.policy.command:PolicyTraining",
        "train encoder and policy; resumes",
        ("train",),
    ),
    Command(
        "train pruner",
        "sag_ros.train.pruner.command:PrunerTraining",
        "train the pruner of a policy; resumes",
        ("train",),
    ),
    Command(
        "train schedule",
        "sag_ros.train.schedules.command:ScheduleTraining",
        "a static schedule by Learning-to-Cache, kept in the bundle; resumes",
        ("train", "openvino"),
    ),
    Command(
        "search schedule",
        "sag_ros.bench.schedules.command:ScheduleSearching",
        "static schedules (BAC, EVO, mean of the pruner's masks), kept in the bundle",
        ("sim", "train", "openvino"),
    ),
    Command(
        "accelerate",
        "sag_ros.bench.accelerate.command:Acceleration",
        "find the fastest way of computing a policy that costs no success; resumes",
        ("sim", "train", "bench", "openvino"),
    ),
    Command(
        "train consistency",
        "sag_ros.train.variants.consistency.command:ConsistencyTraining",
        "distil a policy into one that samples in 1 to 3 steps; resumes",
        ("train",),
    ),
    Command(
        "train streaming",
        "sag_ros.train.variants.streaming.command:StreamingTraining",
        "retrain a policy for the sampler streaming; resumes",
        ("train",),
    ),
    Command(
        "compile",
        "sag_ros.bench.prepare.compile_engine:main",
        "compile an engine for a policy and this machine, ahead of the policy node",
    ),
    Command(
        "import",
        "sag_ros.bench.prepare.import_policy:PolicyImport",
        "make a bundle of a checkpoint of Diffusion Policy or LeRobot",
    ),
    Command(
        "list",
        "sag_ros.bench.prepare.list_policies:main",
        "which policies are there, and what may be set for each",
    ),
    Command(
        "check-bundle",
        "sag_ros.bench.prepare.check_bundle:main",
        "validate a bundle; engine against reference",
    ),
    Command(
        "advise",
        "sag_ros.bench.prepare.advise:main",
        "which way of computing a policy holds its rate on this machine",
        ("openvino",),
    ),
    Command(
        "doctor",
        "sag_ros.bench.prepare.doctor:main",
        "check this machine: ROS, rendering, engine, CPU, bundle",
    ),
)
