"""The works of a chunk, to be done in the order that a plan asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from sag_ros.engines.gpu.graphs import Work
from sag_ros.engines.gpu.launches import Kind, Launches
from sag_ros.engines.gpu.work import LaunchWork


@dataclass(frozen=True)
class Sequence:
    """One work for each kind of launch under one reuse rule; ``LaunchWork`` says what they do.

    Attributes:
        blocks: by block index. end: by whether a trace is wanted; so is idle, a number of steps and its work.
    """

    blocks: list[Work]
    all_blocks: Work
    end: dict[bool, Work]
    begin_idle: Work
    idle: dict[bool, list[tuple[int, Work]]]
    embed: Work

    @classmethod
    def of(cls, work: LaunchWork, slots: int) -> Sequence:
        """The works themselves, nothing recorded."""

        def block(index: int) -> Work:
            return lambda: work.enter_block(index, slots)

        def end(traced: bool) -> Work:
            return lambda: work.end_step(slots, traced=traced)

        def idle(count: int, traced: bool) -> Work:
            def steps() -> None:
                for _ in range(count):
                    work.idle_step(traced)

            return steps

        # A recording may be made with few steps in the table: none of more steps than there are.
        stretches = [count for count in work.stretches if count <= work.steps]
        return cls(
            blocks=[block(index) for index in range(work.blocks)],
            all_blocks=lambda: work.all_blocks(slots),
            end={traced: end(traced) for traced in (False, True)},
            begin_idle=lambda: work.begin_idle(slots),
            idle={t: [(count, idle(count, t)) for count in stretches] for t in (False, True)},
            embed=work.embed,
        )

    def map(self, change: Callable[[Work], Work]) -> Sequence:
        """With ``change`` applied to each."""
        return Sequence(
            [change(work) for work in self.blocks],
            change(self.all_blocks),
            {traced: change(work) for traced, work in self.end.items()},
            change(self.begin_idle),
            {t: [(count, change(work)) for count, work in works] for t, works in self.idle.items()},
            change(self.embed),
        )

    def run(self, launches: Launches, traced: bool) -> None:
        """Do what ``launches`` say."""
        for work in self.order(launches, traced):
            work()

    def order(self, launches: Launches, traced: bool) -> list[Work]:
        """What is to be done for ``launches``, one after the other."""
        count = len(self.blocks)
        block = launches.layer >= 0
        per_step = np.bincount(launches.step[block], minlength=int(launches.step[-1]) + 1)
        whole: list[bool] = (per_step[launches.step] == count).tolist()
        kinds, layers = launches.kind.tolist(), launches.layer.tolist()
        lengths = (launches.stop - launches.step).tolist()
        end, idle = self.end[traced], self.idle[traced]
        works: list[Work] = []
        place = 0
        while place < len(kinds):
            kind = kinds[place]
            if kind == Kind.STEP_END:
                works.append(end)
            elif kind == Kind.IDLE:
                works.append(self.begin_idle)
                left = lengths[place]
                for length, work in idle:
                    works += [work] * (left // length)
                    left %= length
                if idle:
                    works.append(self.embed)
            elif whole[place]:
                works.append(self.all_blocks)
                place += count
                continue
            else:
                works.append(self.blocks[3 * layers[place] + kind])
            place += 1
        return works
