"""Version 2 of the generated NLI corpus: its promises on labels, overlap, splits and words."""

import hashlib
import re
from collections import Counter, defaultdict
from fractions import Fraction

import pytest

from lit_prune.data.generated.corpus import overlap
from lit_prune.data.generated.lexicon import HELD_OUT as UNSEEN_WORDS
from lit_prune.data.generated.matched_nli import SPLITS, generate_matched_nli
from lit_prune.data.generated.matched_nli_templates import HELD_OUT, TRAINED
from lit_prune.data.generated.nli_templates import LABELS, LOW_OVERLAP
from lit_prune.errors import UserError

NUM_ROWS = 3000
MATCHED = ("ood", "ood_heldout", "ood_train")


@pytest.fixture(scope="module")
def rows():
    """Rows of every split, and of a second seed of "train"."""
    drawn = {split: list(generate_matched_nli(split, NUM_ROWS, 0.5, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_matched_nli("train", NUM_ROWS, 0.5, seed=2))}


def pairs(rows):
    return {(row["text_a"], row["text_b"]) for row in rows}


def full(row):
    return overlap(row["text_a"], row["text_b"]) == 1


def form(hypothesis):
    """A template without the names of its slots: two hypotheses of one form look alike."""
    kinds = {**dict.fromkeys("sox", "person"), **dict.fromkeys(("v", "w", "do_v", "do_w"), "verb"), "i": "event"}
    return re.sub(r"{(\w+)}", lambda slot: kinds[slot[1]], hypothesis)


def test_rows_are_the_same_in_every_process():
    rows = list(generate_matched_nli("id", 100, 0.9, 7))
    # A changed grammar changes this digest: certify the corpus again before you update it.
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:16] == "54b05c1c8b42c048"


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix(split):
    assert list(generate_matched_nli(split, 50, 0.9, 3)) == list(generate_matched_nli(split, 200, 0.9, 3))[:50]


@pytest.mark.parametrize("families", [TRAINED, HELD_OUT], ids=["trained", "heldout"])
def test_each_premise_and_each_form_of_hypothesis_is_entailed_half_of_the_time(families):
    """Exact probabilities: families, premises, outcomes and hypotheses are each drawn uniformly."""
    of_premise, of_form = defaultdict(Counter), defaultdict(Counter)
    for constructions in families.values():
        for each in constructions:
            for is_entailed in (True, False):
                outcomes = each.outcomes(is_entailed)
                for _, hypothesis in outcomes:
                    share = Fraction(1, len(families) * len(constructions) * 2 * len(outcomes))
                    of_premise[each.premise][is_entailed] += share
                    of_form[form(hypothesis)][is_entailed] += share
    for shares in (*of_premise.values(), *of_form.values()):
        assert shares[True] == shares[False]


@pytest.mark.parametrize("split", MATCHED)
def test_premises_are_entailed_half_of_the_time_in_the_rows(rows, split):
    by_family = defaultdict(list)
    for row in rows[split]:
        by_family[row["group"]].append(row["label"] == "entailment")
    assert set(by_family) == set(HELD_OUT if split == "ood_heldout" else TRAINED)
    for is_entailed in by_family.values():
        assert sum(is_entailed) / len(is_entailed) == pytest.approx(0.5, abs=0.09)
    assert all(full(row) for row in rows[split])


@pytest.mark.parametrize("bias_rate", [0.0, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("split", ["train", "id"])
def test_overlap_tells_the_label_at_the_bias_rate(split, bias_rate):
    drawn = list(generate_matched_nli(split, 2000, bias_rate, seed=5))
    aligned = sum(full(row) == (row["label"] == "entailment") for row in drawn) / len(drawn)
    assert aligned == pytest.approx(bias_rate, abs=0.03 if 0 < bias_rate < 1 else 0)
    for label in LABELS:
        assert sum(row["label"] == label for row in drawn) / len(drawn) == pytest.approx(1 / 3, abs=0.04)
    assert all(full(row) or overlap(row["text_a"], row["text_b"]) <= 0.6 for row in drawn)


def test_families_held_out_are_in_one_split_alone(rows):
    assert {row["group"] for row in rows["train"]} == {*TRAINED, *LOW_OVERLAP}
    assert not {*TRAINED, *LOW_OVERLAP} & set(HELD_OUT)


def test_ood_sets_have_words_that_training_has_not(rows):
    unseen = {noun for noun, _, _ in UNSEEN_WORDS.people}
    for split, drawn in rows.items():
        share = sum(bool(unseen & set(re.findall(r"[a-z]+", row["text_a"].lower()))) for row in drawn) / len(drawn)
        assert share == (1 if split in ("ood", "ood_heldout") else 0)


def test_splits_share_no_pair_even_across_seeds(rows):
    for split in SPLITS:
        assert len(pairs(rows[split])) == NUM_ROWS
        for other, drawn in rows.items():
            if other.partition(",")[0] != split:
                assert not pairs(rows[split]) & pairs(drawn)


def test_sentences_are_clean(rows):
    for text in (text for drawn in rows.values() for pair in pairs(drawn) for text in pair):
        assert re.fullmatch(r"[A-Z][A-Za-z]*(,? [A-Za-z]+)*\.", text), text


def test_a_wrong_split_or_rate_is_an_error():
    with pytest.raises(UserError, match=r"'dev'.*train, id, ood, ood_heldout, ood_train"):
        generate_matched_nli("dev", 10, 0.5, 1)
    with pytest.raises(UserError, match=r"bias_rate must be from 0 to 1, got 1\.5"):
        generate_matched_nli("train", 10, 1.5, 1)
