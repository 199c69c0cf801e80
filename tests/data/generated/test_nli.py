"""The generated NLI corpus: its promises on labels, overlap, splits and words."""

import hashlib
import re
from collections import Counter

import pytest

from lit_prune.data.generated import words
from lit_prune.data.generated.corpus import SPLITS, overlap
from lit_prune.data.generated.nli import LABELS, generate_nli
from lit_prune.data.generated.nli_templates import FULL_OVERLAP, LOW_OVERLAP
from lit_prune.errors import UserError

NUM_ROWS = 5000


@pytest.fixture(scope="module")
def rows():
    """Rows of every split, and of a second seed of "train"."""
    drawn = {split: list(generate_nli(split, NUM_ROWS, 0.5, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_nli("train", NUM_ROWS, 0.5, seed=2))}


def pairs(rows):
    return [(row["text_a"], row["text_b"]) for row in rows]


def full(row):
    return overlap(row["text_a"], row["text_b"]) == 1


def test_rows_are_the_same_in_every_process():
    rows = list(generate_nli("id", 100, 0.9, 7))
    # A changed grammar changes this digest: certify the corpus again before you update it.
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:16] == "90fddd769c0ddcab"


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix(split):
    assert list(generate_nli(split, 50, 0.9, 3)) == list(generate_nli(split, 200, 0.9, 3))[:50]


def test_another_seed_gives_other_rows(rows):
    assert rows["train"][:20] != rows["train, seed 2"][:20]


@pytest.mark.parametrize("bias_rate", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("split", ["train", "id"])
def test_overlap_tells_the_label_at_the_bias_rate(split, bias_rate):
    drawn = list(generate_nli(split, 3000, bias_rate, seed=5))
    aligned = sum(full(row) == (row["label"] == "entailment") for row in drawn) / len(drawn)
    assert aligned == pytest.approx(bias_rate, abs=0.03 if 0 < bias_rate < 1 else 0)
    for label, count in Counter(row["label"] for row in drawn).items():
        assert label in LABELS
        assert count / len(drawn) == pytest.approx(1 / 3, abs=0.03)


@pytest.mark.parametrize("split", ["ood", "ood_train"])
def test_ood_has_full_overlap_throughout_and_half_is_entailed(rows, split):
    assert all(full(row) for row in rows[split])
    shares = {label: count / NUM_ROWS for label, count in Counter(row["label"] for row in rows[split]).items()}
    assert shares == pytest.approx({"entailment": 0.5, "neutral": 0.25, "contradiction": 0.25}, abs=0.03)


def test_ood_ignores_the_bias_rate():
    assert list(generate_nli("ood", 50, 0.1, 1)) == list(generate_nli("ood", 50, 0.9, 1))


def test_overlap_is_full_or_low(rows):
    assert all(full(row) or overlap(row["text_a"], row["text_b"]) <= 0.6 for row in rows["train"])


def test_no_pair_is_repeated_and_none_is_its_own_hypothesis(rows):
    for drawn in rows.values():
        assert len(set(pairs(drawn))) == NUM_ROWS
        assert all(premise != hypothesis for premise, hypothesis in pairs(drawn))


def test_splits_share_no_pair_even_across_seeds(rows):
    for split in ("id", "ood", "ood_train"):
        assert not set(pairs(rows[split])) & set(pairs(rows["train"]) + pairs(rows["train, seed 2"]))
    assert not set(pairs(rows["ood"])) & set(pairs(rows["ood_train"]))
    assert not set(pairs(rows["id"])) & set(pairs(rows["ood"]) + pairs(rows["ood_train"]))


def test_ids_are_unique(rows):
    assert len({row["id"] for drawn in rows.values() for row in drawn}) == NUM_ROWS * len(rows)


def test_every_family_occurs_and_no_label_has_few(rows):
    assert {row["group"] for row in rows["train"]} == {*FULL_OVERLAP, *LOW_OVERLAP}
    assert {row["group"] for row in rows["ood"]} == set(FULL_OVERLAP)
    for is_full in (True, False):
        families = {(row["label"], row["group"]) for row in rows["train"] if full(row) is is_full}
        assert min(Counter(label for label, _ in families).values()) >= 5


def test_every_full_overlap_family_has_an_entailed_and_another_side(rows):
    sides = {(row["group"], row["label"] == "entailment") for row in rows["ood"]}
    assert sides == {(family, entailed) for family in FULL_OVERLAP for entailed in (True, False)}


def test_sentences_are_clean(rows):
    for text in (text for drawn in rows.values() for pair in pairs(drawn) for text in pair):
        assert re.fullmatch(r"[A-Z][A-Za-z]*(,? [A-Za-z]+)*\.", text), text


def test_the_vocabulary_is_wide(rows):
    assert len(words.PEOPLE) >= 120
    assert len(words.TRANSITIVE) >= 80
    assert len(words.INTRANSITIVE) >= 30
    seen = {word for premise, _ in pairs(rows["train"]) for word in re.findall(r"[a-z]+", premise.lower())}
    assert {noun for noun, _, _ in words.PEOPLE} <= seen
    assert len(seen) >= 500


def test_no_word_plays_two_parts():
    nouns = [noun for noun, _, _ in words.PEOPLE]
    bases = [base for base, _, _ in words.TRANSITIVE]
    adjectives = [adjective for adjective, _ in words.ADJECTIVES]
    for listed in (nouns, bases, adjectives):
        assert len(set(listed)) == len(listed)


def test_an_unknown_split_names_the_choices():
    with pytest.raises(UserError, match=r"'dev'.*train, id, ood, ood_train"):
        generate_nli("dev", 10, 0.5, 1)


@pytest.mark.parametrize("bias_rate", [-0.1, 1.1, float("nan")])
def test_a_bias_rate_that_is_no_probability_is_refused(bias_rate):
    with pytest.raises(UserError, match=f"bias_rate must be from 0 to 1, got {bias_rate}"):
        generate_nli("train", 10, bias_rate, 1)
