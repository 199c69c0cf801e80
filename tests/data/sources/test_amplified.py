"""Bias-amplified rows: the rate, what stays equal over rates, the test sets, and their cache."""

import random
from collections import Counter

import numpy as np
import pytest
import torch

from lit_prune.data import BiasAmplified, ClaimBias, NgramBias, OverlapBias, Task
from lit_prune.data.bias.words import words
from lit_prune.data.preparation import Preparation, prepare_task
from lit_prune.data.sources import Row, Source
from lit_prune.errors import UserError

LABELS = ["refutes", "supports"]
RATES = [None, 0.5, 0.8, 0.9, 0.97]


class Claims(Source):
    """Claims whose cue word goes with the label in 7 of 10 rows, some with two pieces of evidence."""

    def __init__(self, num_train=1000, num_id=300, labels=(0.4, 0.6), splits=("train", "id", "ood_other")):
        self.num_rows = {"train": num_train, "id": num_id, "ood_other": 4}
        self.labels = labels
        self.splits = splits

    def available(self, root):
        return list(self.splits)

    def fingerprint(self, split, root):
        return {"split": split, "labels": self.labels, **self.num_rows}

    def rows(self, split, root):
        rng = random.Random(split)
        for number in range(self.num_rows[split]):
            label = rng.choices(LABELS, self.labels)[0]
            cue = label if rng.random() < 0.7 else rng.choice(LABELS)
            claim = f"{split} {number - number % 3 // 2} was {'not' if cue == 'refutes' else 'really'} seen"
            if split == "id" and number % 10 == 0:
                claim = f"train {number} was not seen"
            evidence = " ".join(["word"] * rng.randint(1, 20))
            yield Row(id=f"{split}-{number}", text_a=claim, text_b=evidence, label=label, group="")


def amplified(rate=0.9, source=None, **options):
    return BiasAmplified(source or Claims(), NgramBias(), rate, **{"num_train": 200, **options})


def read(source, split="train"):
    return list(source.rows(split, None))


def length(row):
    return len(words(row["text_a"])) + len(words(row["text_b"]))


@pytest.mark.parametrize("rate", RATES[1:])
def test_the_rate_is_reached_overall_and_in_every_class(rate):
    rows = read(amplified(rate))
    groups = Counter(row["group"] for row in rows)
    assert groups["aligned"] == round(200 * rate)
    assert groups["conflicting"] == 200 - groups["aligned"]
    for label in LABELS:
        of_label = [row["group"] == "aligned" for row in rows if row["label"] == label]
        assert np.mean(of_label) == pytest.approx(rate, abs=4 / len(of_label))  # four bins, each rounded


def test_without_a_rate_it_is_the_bias_models_accuracy():
    aligned = [row["group"] == "aligned" for row in read(amplified(None))]
    everything = [row["group"] == "aligned" for row in read(amplified(None, num_train=1000))]
    assert len(everything) == 1000
    assert np.mean(everything) == pytest.approx(0.85, abs=0.05)  # the cue is right in .7 rows and half of the others
    assert np.mean(aligned) == pytest.approx(np.mean(everything), abs=0.06)


def test_number_classes_and_lengths_are_equal_over_rates():
    lengths = [length(row) for row in read(Claims())]
    edges = np.quantile(lengths, [0.25, 0.5, 0.75])
    found = [
        Counter((row["label"], int(np.searchsorted(edges, length(row), side="right"))) for row in read(amplified(rate)))
        for rate in RATES
    ]
    assert all(each == found[0] for each in found)
    assert len(found[0]) == 8
    whole = Counter(row["label"] for row in read(Claims()))
    assert sum(count for (label, _), count in found[0].items() if label == "supports") == pytest.approx(
        whole["supports"] / 5, abs=2
    )


def test_rows_are_aligned_if_a_model_that_has_not_seen_them_is_right():
    rows = {row["id"]: row for row in read(amplified(None, num_train=1000))}
    for row in rows.values():
        predicted = "refutes" if " not " in row["text_a"] else "supports"
        assert (row["group"] == "aligned") == (row["label"] == predicted)


def test_every_row_is_one_of_the_sources_but_for_its_group():
    source = amplified()
    for split, own in [("train", "train"), ("id", "id"), ("ood_conflicting", "id")]:
        known = {row["id"]: row for row in read(Claims(), own)}
        rows = read(source, split)
        assert all({**row, "group": ""} == known[row["id"]] for row in rows)
        assert len({row["id"] for row in rows}) == len(rows)


def test_test_sets_are_aligned_and_conflicting_rows_of_equal_classes_and_disjoint_from_training():
    source = amplified()
    aligned, conflicting = read(source, "id"), read(source, "ood_conflicting")
    assert {row["group"] for row in aligned} == {"aligned"}
    assert {row["group"] for row in conflicting} == {"conflicting"}
    assert len(conflicting) > 20
    assert Counter(row["label"] for row in aligned) == Counter(row["label"] for row in conflicting)
    trained = {row["text_a"] for row in read(Claims())}
    assert not trained & {row["text_a"] for row in [*aligned, *conflicting]}
    assert trained & {row["text_a"] for row in read(Claims(), "id")}


def test_test_sets_are_the_same_at_every_rate():
    for split in ("id", "ood_conflicting"):
        assert read(amplified(None), split) == read(amplified(0.9, num_train=100), split)


def test_other_splits_are_the_sources():
    source = amplified()
    assert source.available(None) == ["train", "id", "ood_other", "ood_conflicting"]
    assert read(source, "ood_other") == read(Claims(), "ood_other")
    assert source.fingerprint("ood_other", None) == Claims().fingerprint("ood_other", None)


def test_rows_depend_on_the_seed_alone():
    assert read(amplified()) == read(amplified())
    ids = [{row["id"] for row in read(amplified(seed=seed))} for seed in (0, 1)]
    assert ids[0] != ids[1]


@pytest.mark.parametrize("split", ["train", "id", "ood_conflicting"])
def test_the_fingerprint_changes_with_whatever_changes_the_rows(split):
    changes = [
        amplified(),
        amplified(0.8),
        amplified(None),
        amplified(num_train=100),
        amplified(length_bins=2),
        amplified(seed=1),
        amplified(source=Claims(num_train=900)),
        BiasAmplified(Claims(), NgramBias(C=1.0), 0.9, num_train=200),
        BiasAmplified(Claims(), OverlapBias(positive="supports"), 0.9, num_train=200),
    ]
    prints = [repr(each.fingerprint(split, None)) for each in changes]
    assert len(set(prints)) == len(prints)
    assert prints[0] == repr(amplified().fingerprint(split, None))
    assert len({repr(amplified().fingerprint(each, None)) for each in ("train", "id", "ood_conflicting")}) == 3


def test_too_many_rows_are_refused_with_the_number_that_is_possible():
    with pytest.raises(UserError, match=r"num_train of BiasAmplified must be at most \d+ at rate 0.5 .*, got 900") as e:
        read(amplified(0.5, num_train=900))
    numbers = [int(each) for each in words(str(e.value)) if each.isdigit()]
    largest = numbers[0]
    assert len(read(amplified(0.5, num_train=largest))) == largest
    with pytest.raises(UserError, match=f"at most {largest} at rate 0.5"):
        read(amplified(0.5, num_train=largest + 1))
    aligned = [row["group"] == "aligned" for row in read(amplified(None, num_train=1000))]
    assert f"of 1000 rows {sum(aligned)} are aligned and {1000 - sum(aligned)} conflicting" in str(e.value)
    with pytest.raises(UserError, match="must be at most 1000, got 1001"):
        read(amplified(None, num_train=1001))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rate": 1.2}, "rate of BiasAmplified must be from 0 to 1, got 1.2"),
        ({"rate": -0.1}, "rate of BiasAmplified must be from 0 to 1, got -0.1"),
        ({"num_train": 0}, "num_train of BiasAmplified must be at least 1, got 0"),
        ({"length_bins": 0}, "length_bins of BiasAmplified must be at least 1, got 0"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(UserError, match=message):
        amplified(**options)


@pytest.mark.parametrize("splits", [("train", "ood"), ("train", "id", "ood_conflicting")])
def test_a_source_without_id_or_with_conflicting_rows_of_its_own_is_refused(splits):
    with pytest.raises(UserError, match=f"must have the split id and no ood_conflicting, got {', '.join(splits)}"):
        amplified(source=Claims(splits=splits)).available(None)


def test_vectors_of_the_encoder_are_not_used():
    with pytest.raises(UserError, match=r"vectors must have a word of the first texts, got none: .*NgramBias"):
        read(BiasAmplified(Claims(), ClaimBias(), num_train=10))


def test_it_is_the_source_of_a_task(tokenizer):
    task = Task("claims", LABELS, amplified(num_train=200), "supports", bias=NgramBias(C=1.0))
    how = Preparation(tokenizer, None, 64, validation_fraction=0.1, seed=0)
    train, sets = prepare_task(task, how, torch.zeros(len(tokenizer), 16))
    assert len(train) == 180
    assert np.array(train["bias"]).shape == (180, 2)
    assert [each.split for each in sets] == ["validation", "id", "ood_other", "ood_conflicting"]
    assert set(sets[0].rows["group"]) == {"aligned", "conflicting"}
    assert sets[3].rows["id"][:] == [row["id"] for row in read(task.source, "ood_conflicting")]
