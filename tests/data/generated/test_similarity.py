"""The generated similarity corpus: its promises on labels, overlap, splits and words."""

from collections import Counter

import pytest

from lit_prune.data.generated.corpus import SPLITS, overlap
from lit_prune.data.generated.similarity import generate_similarity
from lit_prune.errors import UserError

NUM_ROWS = 1200


@pytest.fixture(scope="module")
def rows():
    drawn = {split: list(generate_similarity(split, NUM_ROWS, 0.5, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_similarity("train", NUM_ROWS, 0.5, seed=2))}


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix(split):
    assert list(generate_similarity(split, 50, 0.9, 3)) == list(generate_similarity(split, 200, 0.9, 3))[:50]


def test_labels_are_uniform_from_zero_to_five(rows):
    for drawn in rows.values():
        shares = {label: count / NUM_ROWS for label, count in Counter(row["label"] for row in drawn).items()}
        assert shares == pytest.approx(dict.fromkeys("012345", 1 / 6), abs=0.04)


@pytest.mark.parametrize("bias_rate", [0.0, 0.5, 0.9, 1.0])
def test_the_bias_rate_is_that_of_aligned_rows(bias_rate):
    drawn = list(generate_similarity("train", NUM_ROWS, bias_rate, seed=5))
    share = sum(row["group"] == "aligned" for row in drawn) / NUM_ROWS
    assert share == pytest.approx(bias_rate, abs=0.03 if 0 < bias_rate < 1 else 0)


def mean_overlap(rows, label, group):
    values = [overlap(row["text_a"], row["text_b"]) for row in rows if (row["label"], row["group"]) == (label, group)]
    return sum(values) / len(values)


def test_overlap_tells_the_label_of_aligned_rows_but_little_of_the_others(rows):
    train, ood = rows["train"], rows["ood"]
    assert {row["group"] for row in ood} == {row["group"] for row in rows["ood_train"]} == {"opposed"}
    same = [row for row in train if row["group"] == "aligned" and row["label"] == "5"]
    assert all(row["text_a"] == row["text_b"] for row in same)
    gains = {
        group: mean_overlap(drawn, "5", group) - mean_overlap(drawn, "0", group)
        for drawn, group in ((train, "aligned"), (ood, "opposed"))
    }
    assert gains["opposed"] < 0.5 * gains["aligned"]


def test_persons_that_are_not_kept_change_places_in_opposed_rows(rows):
    for row in [row for row in rows["ood"] if row["label"] == "0"]:
        persons = [text.split(" in the ")[0].split() for text in (row["text_a"], row["text_b"])]
        assert persons[0][-1] in persons[1]


def test_splits_share_no_pair_even_across_seeds_and_none_is_repeated(rows):
    pairs = {name: {(row["text_a"], row["text_b"]) for row in drawn} for name, drawn in rows.items()}
    assert all(len(each) == NUM_ROWS for each in pairs.values())
    names = list(SPLITS)
    assert not any(pairs[one] & pairs[other] for one in names for other in names if one < other)


def test_wrong_arguments_are_named():
    with pytest.raises(UserError, match=r"bias_rate must be from 0 to 1, got 1\.5"):
        next(generate_similarity("train", 1, 1.5, 0))
    with pytest.raises(UserError, match="unknown split 'dev'"):
        next(generate_similarity("dev", 1, 0.5, 0))
