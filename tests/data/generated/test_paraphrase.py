"""The generated paraphrase corpus: its promises on labels, overlap, splits and words."""

import hashlib
import re
from collections import Counter

import pytest

from lit_prune.data.generated.corpus import SPLITS, overlap
from lit_prune.data.generated.paraphrase import LABELS, MIN_HIGH_OVERLAP, generate_paraphrase
from lit_prune.data.generated.paraphrase_templates import HIGH_OVERLAP, LOW_OVERLAP
from lit_prune.errors import UserError

NUM_ROWS = 2000


@pytest.fixture(scope="module")
def rows():
    """Rows of every split, and of a second seed of "train"."""
    drawn = {split: list(generate_paraphrase(split, NUM_ROWS, 0.5, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_paraphrase("train", NUM_ROWS, 0.5, seed=2))}


def pairs(rows):
    return [(row["text_a"], row["text_b"]) for row in rows]


def high(row):
    return overlap(row["text_a"], row["text_b"]) >= MIN_HIGH_OVERLAP


def test_rows_are_the_same_in_every_process():
    rows = list(generate_paraphrase("id", 100, 0.9, 7))
    # A changed grammar changes this digest: certify the corpus again before you update it.
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:16] == "ff28fcd0db217bf4"


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix(split):
    assert list(generate_paraphrase(split, 50, 0.9, 3)) == list(generate_paraphrase(split, 200, 0.9, 3))[:50]


@pytest.mark.parametrize("bias_rate", [0.0, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("split", ["train", "id"])
def test_overlap_tells_the_label_at_the_bias_rate(split, bias_rate):
    drawn = list(generate_paraphrase(split, NUM_ROWS, bias_rate, seed=5))
    aligned = sum(high(row) == (row["label"] == "duplicate") for row in drawn) / len(drawn)
    assert aligned == pytest.approx(bias_rate, abs=0.03 if 0 < bias_rate < 1 else 0)
    assert sum(row["label"] == "duplicate" for row in drawn) / len(drawn) == pytest.approx(0.5, abs=0.04)


@pytest.mark.parametrize("split", ["ood", "ood_train"])
def test_ood_has_high_overlap_throughout_and_half_are_duplicates(rows, split):
    assert all(map(high, rows[split]))
    assert sum(row["label"] == "duplicate" for row in rows[split]) / NUM_ROWS == pytest.approx(0.5, abs=0.04)
    assert list(generate_paraphrase(split, 50, 0.1, 1)) == list(generate_paraphrase(split, 50, 0.9, 1))


def test_splits_share_no_pair_even_across_seeds_and_none_is_repeated(rows):
    assert all(len(set(pairs(drawn))) == NUM_ROWS for drawn in rows.values())
    for number, split in enumerate(SPLITS):
        others = [pair for other in SPLITS[:number] for pair in pairs(rows[other])]
        assert not set(pairs(rows[split])) & set(others)
        assert split == "train" or not set(pairs(rows[split])) & set(pairs(rows["train, seed 2"]))


def test_no_question_is_asked_in_the_same_words_twice(rows):
    assert all(first != second for drawn in rows.values() for first, second in pairs(drawn))


def test_every_family_occurs_with_both_labels(rows):
    for split, families in {"train": {**HIGH_OVERLAP, **LOW_OVERLAP}, "ood": HIGH_OVERLAP}.items():
        found = Counter((row["group"], row["label"]) for row in rows[split])
        assert set(found) == {(family, label) for family in families for label in LABELS}


def test_questions_are_clean(rows):
    for text in (text for drawn in rows.values() for pair in pairs(drawn) for text in pair):
        assert re.fullmatch(r"[A-Z][A-Za-z]*(,? [A-Za-z]+)*\?", text), text


def test_an_unknown_split_is_refused_at_once():
    with pytest.raises(UserError, match=r"'dev' of the generated paraphrase corpus"):
        generate_paraphrase("dev", 10, 0.5, 1)
