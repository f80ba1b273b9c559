"""Where the chance in a chunk came from, so that one chunk can be computed again, without those before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORDS = 10  # of a generator's state
_MASK, _WIDTH, _LONG = 0xFFFFFFFF, 32, 4  # words of 32 bits, which a float64 holds exactly; of 128 bits


def _words(value: int, count: int) -> tuple[int, ...]:
    return tuple(value >> _WIDTH * place & _MASK for place in range(count))


def _number(words: tuple[int, ...]) -> int:
    return sum(word << _WIDTH * place for place, word in enumerate(words))


def state_words(generator: np.random.Generator) -> tuple[int, ...]:
    """State of a PCG64 generator as 10 words of 32 bits: 4 of the state, 4 of the increment, 2 of what is
    left of its last 64 bits. About 4 us."""
    found: Any = generator.bit_generator.state
    inner = found["state"]
    return (
        *_words(inner["state"], _LONG),
        *_words(inner["inc"], _LONG),
        int(found["has_uint32"]),
        int(found["uinteger"]),
    )


def generator_of(words: tuple[int, ...]) -> np.random.Generator:
    """The inverse of :func:`state_words`.

    Raises:
        ValueError: not 10 words of 32 bits.
    """
    if len(words) != WORDS or not all(0 <= word <= _MASK for word in words):
        raise ValueError(f"a generator's state is {WORDS} words of 32 bits; got {words}")
    bits = np.random.PCG64()
    inner: Any = {"state": _number(words[:_LONG]), "inc": _number(words[_LONG : 2 * _LONG])}
    bits.state = {"bit_generator": "PCG64", "state": inner, "has_uint32": words[8], "uinteger": words[9]}
    return np.random.Generator(bits)


@dataclass(frozen=True)
class Origin:
    """What a chunk was begun from, beside the observation.

    Attributes:
        noise: state of the generator before the chunk's noise was drawn; see :func:`state_words`.
        first_step: row of the sampler's table at which it began.
        sample: (T, A) that a sampler with a state began with; None for one without.
    """

    noise: tuple[int, ...]
    first_step: int = 0
    sample: NDArray[np.float32] | None = None
