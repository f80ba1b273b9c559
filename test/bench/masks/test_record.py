from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from mask_fakes import episode, mask

from sag_ros.bench.masks.record import ADAPTIVE, MaskJournal, decode_mask, digest, encode_mask
from sag_ros.values import Mask

SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 3).map(lambda layers: 3 * layers))


@given(arrays(np.bool_, SHAPES))
def test_masks_survive_as_text(pruned):
    np.testing.assert_array_equal(decode_mask(encode_mask(Mask(pruned))).pruned, pruned)


def test_digest_tells_masks_apart_by_one_gate_and_by_shape():
    texts = [
        encode_mask(mask()),
        encode_mask(mask((4, 5))),
        encode_mask(Mask(np.ones((2, 3), np.bool_))),
        encode_mask(Mask(np.ones((1, 6), np.bool_))),
    ]
    assert len({digest(text) for text in texts}) == 4
    assert digest(encode_mask(mask())) == digest(texts[0])


@pytest.fixture
def path(tmp_path):
    return tmp_path / "out" / "masks.episodes.jsonl"


def test_episodes_are_read_again(path):
    first = episode(7, [("approach", mask()), ("grasp", mask((1, 1)))])
    MaskJournal(path, {"task": "a"}).append(first)
    journal = MaskJournal(path, {"task": "a"})
    assert (ADAPTIVE, 7) in journal and (ADAPTIVE, 8) not in journal
    assert journal.records(ADAPTIVE, range(9, 6, -1)) == [first]


def test_other_identities_and_torn_lines_are_left_alone(path):
    MaskJournal(path, {"task": "a"}).append(episode(1, []))
    with path.open("a") as file:
        file.write('{"identity": {"task": "a"}, "meth')
    journal = MaskJournal(path, {"task": "a"})
    journal.append(episode(2, []))
    assert [e.seed for e in MaskJournal(path, {"task": "a"}).records(ADAPTIVE, range(5))] == [1, 2]
    assert MaskJournal(path, {"task": "b"}).records(ADAPTIVE, range(5)) == []
