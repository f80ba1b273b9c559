"""Exact savings, each of which can be switched off: to test it, and to measure how much time it saves."""

from __future__ import annotations

from typing import NamedTuple


class Savings(NamedTuple):
    """What an engine leaves out without changing the result, rounding aside; compiled code reads it, too.

    Three more cannot be switched off, since they are how engines are called: the sampler is a table of
    coefficients, all noise is drawn before the chunk, each camera frame is encoded once, when it arrives.

    Attributes:
        trailing_tokens: tokens behind the executed ones are not computed; the network is causal.
        time_table: what cross-attention needs of the time tokens is a table of the checkpoint.
        observation_once: what it needs of the frames is computed once a chunk, not in every step, and for
            those layers alone whose cross-attention the plan computes.
        folded_cross_attention: its query and output projections are moved into keys and values, per head.
        collapsed_runs: neighbouring pruned blocks are added with one multiplication per cached residual.
        idle_steps: steps without a computed block stay in action space.
    """

    trailing_tokens: bool = True
    time_table: bool = True
    observation_once: bool = True
    folded_cross_attention: bool = True
    collapsed_runs: bool = True
    idle_steps: bool = True

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """All switches."""
        return cls._fields

    @classmethod
    def without(cls, *names: str) -> Savings:
        """All but ``names``; raises ValueError for one that does not exist."""
        unknown = set(names) - set(cls.names())
        if unknown:
            raise ValueError(f"no saving {', '.join(sorted(unknown))}; available: {', '.join(cls.names())}")
        return cls(**dict.fromkeys(names, False))

    @classmethod
    def none(cls) -> Savings:
        """The network as it is written."""
        return cls.without(*cls.names())
