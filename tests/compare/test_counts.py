from itertools import combinations

import numpy as np
import pytest

from lit_prune.compare.counts import TOP, count
from lit_prune.compare.sources import Subnetwork, open_all


@pytest.fixture
def counts(three_runs):
    return count(open_all(three_runs))


def test_matrices_have_a_layer_and_a_target(counts):
    assert counts.all_layers == ["0", "1", TOP]
    assert counts.all_targets == ["query", "key", "attention_output", "intermediate", "pooler", "classifier"]
    assert counts.layers == ("0",) * 4 + ("1",) * 4 + (TOP, TOP)


def test_what_each_keeps(counts, three_masks):
    for layer, target, part in [
        (None, None, ""),
        ("1", None, ".1."),
        (None, "key", ".key"),
        ("0", "key", "0.attention.self.key"),
    ]:
        expected = [
            np.mean([mask.float().mean() for name, mask in masks.items() if part in name]) for masks in three_masks
        ]
        assert counts.density(counts.select(layer, target)) == pytest.approx(np.array(expected))


def test_what_each_two_share(counts, three_masks):
    found, _ = counts.overlaps(counts.select(target="intermediate"))
    expected = []
    for one, other in combinations(three_masks, 2):
        names = [name for name in one if "intermediate" in name]
        shared = sum(int((one[name] & other[name]).sum()) for name in names)
        expected.append(shared / sum(int((one[name] | other[name]).sum()) for name in names))
    assert found == pytest.approx(np.array(expected))
    assert counts.pairs == [(0, 1), (0, 2), (1, 2)]


def test_equal_masks_share_all_and_random_ones_what_chance_gives(write_run, three_runs, three_masks):
    same = write_run("same", three_masks[0], seed=9)
    counts = count(open_all([three_runs[0], str(same), three_runs[1]]))
    found, by_chance = counts.overlaps(counts.select())
    assert found[0] == 1
    assert by_chance[0] == pytest.approx(1 / 3, abs=0.06), "half of everything: 1/4 of 3/4"
    assert found[1:] == pytest.approx(by_chance[1:], abs=0.06)


def test_a_single_run_has_no_pairs(three_runs):
    counts = count(open_all(three_runs[:1]))
    assert counts.pairs == []
    assert [len(each) for each in counts.overlaps(counts.select())] == [0, 0]


def test_where_no_matrix_is_no_share_is(counts):
    assert np.isnan(counts.density(counts.select("0", "pooler"))).all()


def test_one_matrix_of_each_is_read_at_a_time():
    read = []

    def subnetwork(number):
        bits = np.full(2, number, dtype=np.uint8)
        return Subnetwork(str(number), {"a": (4, 4), "b": (4, 4)}, lambda name: read.append((name, number)) or bits)

    count([subnetwork(number) for number in range(3)])
    assert read == [(name, number) for name in "ab" for number in range(3)]


def test_layers_are_in_the_order_of_their_numbers():
    names = [f"encoder.backbone.encoder.layer.{number}.output.dense" for number in (10, 9, 0)]
    counts = count([Subnetwork("a", dict.fromkeys(names, (2, 4)), lambda name: np.zeros(1, dtype=np.uint8))])
    assert counts.all_layers == ["0", "9", "10"]
