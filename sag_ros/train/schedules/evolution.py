"""Evolutionary search of a static schedule under a fixed budget of computed blocks (EVO, arXiv 2607.20293).

A candidate is a set of places on the lattice of steps and blocks. What is better is decided by a fitness that
this module does not know: closed-loop success in EVO.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pruned = NDArray[np.bool_]
Fitness = tuple[float, ...]  # compared from the left; larger is better
# (candidates, fitness of the worst that would survive or None) -> fitness of each
Evaluate = Callable[[Sequence[Pruned], "Fitness | None"], Sequence[Fitness]]


@dataclass(frozen=True)
class EvolutionConfig:
    """Sizes and rates of the evolution."""

    population: int = 12
    """candidates alive"""
    elite: int = 4
    """that survive a generation"""
    generations: int = 12
    """at most"""
    patience: int = 4
    """generations without a better best candidate after which it ends"""
    tournament: int = 3
    """candidates that compete to be a parent"""
    crossover: float = 0.8
    """share of children with two parents"""
    mutation: float = 0.1
    """share of a child's places that are drawn anew"""
    random_share: float = 0.3
    """of the first population: drawn evenly, the others by how much a block's residual changes"""
    seed: int = 0


@dataclass
class Evolution:
    """A search in progress; ``state`` and ``restore`` let it be interrupted between generations.

    Args:
        forced: (n, 3L) bool, what is computed in every candidate.
        computed: how many blocks are computed, ``forced`` included.
        importance: (n, 3L) non-negative, how likely a place is drawn; here the change of a residual since
            the step before.
        given: candidates that the first population begins with; brought to the budget at random.
    """

    config: EvolutionConfig
    forced: Pruned
    computed: int
    importance: NDArray[np.float64]
    given: Sequence[Pruned] = ()
    generation: int = 0
    since_better: int = 0
    population: list[tuple[Fitness, Pruned]] = field(default_factory=list)

    def __post_init__(self) -> None:
        least, most = int(self.forced.sum()), self.forced.size
        if not least <= self.computed <= most:
            raise ValueError(f"a budget of {self.computed} blocks is impossible; need {least} to {most}")

    @property
    def best(self) -> tuple[Fitness, Pruned]:
        """The fittest candidate."""
        return self.population[0]

    @property
    def finished(self) -> bool:
        """Whether the last generation was reached, or nothing better came for long."""
        config = self.config
        return self.generation > config.generations or self.since_better >= config.patience

    def advance(self, evaluate: Evaluate) -> None:
        """Evaluate one generation: the first population, or children of the present one."""
        rng = np.random.default_rng([self.config.seed, self.generation])
        if not self.population:
            children, elite, threshold = self._first(rng), [], None
        else:
            elite = self.population[: self.config.elite]
            threshold = elite[-1][0]
            children = [self._child(rng) for _ in range(self.config.population - len(elite))]
        before = self.population[0][0] if self.population else None
        fitness = evaluate(children, threshold)
        everyone = [*elite, *zip(fitness, children, strict=True)]
        self.population = sorted(everyone, key=lambda entry: entry[0], reverse=True)
        self.generation += 1
        self.since_better = 0 if before is None or self.best[0] > before else self.since_better + 1

    def state(self) -> dict[str, Any]:
        """Arrays for ``np.savez``."""
        fitness, masks = zip(*self.population, strict=True)
        return {
            "generation": self.generation,
            "since_better": self.since_better,
            "fitness": np.array(fitness, np.float64),
            "pruned": np.stack(masks),
        }

    def restore(self, state: Any) -> None:
        """Go on from ``state``."""
        self.generation, self.since_better = int(state["generation"]), int(state["since_better"])
        pairs = zip(state["fitness"], state["pruned"], strict=True)
        self.population = [(tuple(float(x) for x in fitness), mask) for fitness, mask in pairs]

    def _first(self, rng: np.random.Generator) -> list[Pruned]:
        config = self.config
        found = [self._to_budget(mask.copy(), rng) for mask in self.given][: config.population]
        evenly = round(config.random_share * (config.population - len(found)))
        flat = np.ones_like(self.importance)
        nothing = np.ones(self.forced.shape, np.bool_)
        for number in range(config.population - len(found)):
            weights = flat if number < evenly else self.importance
            found.append(self._to_budget(nothing.copy(), rng, weights))
        return found

    def _child(self, rng: np.random.Generator) -> Pruned:
        child = self._parent(rng).copy()
        if rng.random() < self.config.crossover:
            either = child != self._parent(rng)  # what both parents agree on stays
            child[either] = rng.random(int(either.sum())) < 0.5
        computed = np.flatnonzero(~child & ~self.forced)
        count = int(rng.binomial(len(computed), self.config.mutation)) if len(computed) else 0
        child.ravel()[rng.choice(computed, count, replace=False)] = True
        return self._to_budget(child, rng, self.importance)

    def _parent(self, rng: np.random.Generator) -> Pruned:
        drawn = rng.integers(len(self.population), size=self.config.tournament)
        return self.population[int(drawn.min())][1]  # they are sorted

    def _to_budget(
        self, pruned: Pruned, rng: np.random.Generator, weights: NDArray[np.float64] | None = None
    ) -> Pruned:
        """Draw computed places, or give some up, until there are as many as the budget says."""
        pruned[self.forced] = False
        free = ~self.forced
        missing = self.computed - int((~pruned).sum())
        if missing > 0:
            places = np.flatnonzero(pruned & free)
            likely = (self.importance if weights is None else weights).ravel()[places] + 1e-9
            chosen = rng.choice(places, missing, replace=False, p=likely / likely.sum())
            pruned.ravel()[chosen] = False
        elif missing < 0:
            places = np.flatnonzero(~pruned & free)
            pruned.ravel()[rng.choice(places, -missing, replace=False)] = True
        return pruned
