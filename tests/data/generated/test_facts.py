"""The generated fact-verification corpus: its promises on labels, cues, splits and words."""

import hashlib
import re
from collections import Counter, defaultdict

import pytest

from lit_prune.data.generated import words
from lit_prune.data.generated.corpus import SPLITS
from lit_prune.data.generated.facts import generate_facts
from lit_prune.data.generated.facts_templates import LABELS, TEMPLATES
from lit_prune.errors import UserError

NUM_ROWS = 2000
CUES = {cue: label for label in LABELS for cue in words.MARKERS[f"cue_{label}"]}


@pytest.fixture(scope="module")
def rows():
    """Rows of every split, and of a second seed of "train"."""
    drawn = {split: list(generate_facts(split, NUM_ROWS, 1 / 3, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_facts("train", NUM_ROWS, 1 / 3, seed=2))}


def cue_of(row):
    """The label that the claim's cue speaks for."""
    return CUES[row["text_a"].partition(",")[0].lower()]


def pairs(rows):
    return [(row["text_a"], row["text_b"]) for row in rows]


def test_rows_are_the_same_in_every_process():
    rows = list(generate_facts("id", 100, 0.9, 7))
    # A changed grammar changes this digest: certify the corpus again before you update it.
    assert hashlib.sha256(repr(rows).encode()).hexdigest()[:16] == "b51790ef91fb4a0a"


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("num_rows", [48, 51])
def test_fewer_rows_are_a_prefix(split, num_rows):
    assert list(generate_facts(split, num_rows, 0.9, 3)) == list(generate_facts(split, 200, 0.9, 3))[:num_rows]


@pytest.mark.parametrize("bias_rate", [0.0, 1 / 3, 0.9, 1.0])
@pytest.mark.parametrize("split", ["train", "id"])
def test_the_cue_tells_the_label_at_the_bias_rate(split, bias_rate):
    drawn = list(generate_facts(split, NUM_ROWS, bias_rate, seed=5))
    aligned = sum(cue_of(row) == row["label"] for row in drawn) / len(drawn)
    assert aligned == pytest.approx(bias_rate, abs=0.03 if 0 < bias_rate < 1 else 0)
    for count in Counter(row["label"] for row in drawn).values():
        assert count / len(drawn) == pytest.approx(1 / 3, abs=0.04)


def test_no_label_has_a_cue_of_another():
    assert len(CUES) == sum(len(words.MARKERS[f"cue_{label}"]) for label in LABELS)


@pytest.mark.parametrize("split", ["ood", "ood_train"])
def test_every_ood_claim_is_supported_and_refuted_alike(rows, split):
    labels = defaultdict(list)
    for row in rows[split]:
        labels[row["text_a"]].append(row["label"])
    assert all(each.count("supports") == each.count("refutes") == len(each) / 2 for each in labels.values())
    shares = Counter(cue_of(row) for row in rows[split])
    assert {label: count / NUM_ROWS for label, count in shares.items()} == pytest.approx(
        dict.fromkeys(LABELS, 1 / 3), abs=0.05
    )
    assert list(generate_facts(split, 48, 0.1, 1)) == list(generate_facts(split, 48, 0.9, 1))


def test_splits_share_no_evidence_even_across_seeds_and_no_pair_is_repeated(rows):
    assert all(len(set(pairs(drawn))) == NUM_ROWS for drawn in rows.values())
    evidence = {split: {row["text_b"] for row in drawn} for split, drawn in rows.items()}
    for number, split in enumerate(SPLITS):
        assert not any(evidence[split] & evidence[other] for other in SPLITS[:number])
        assert split == "train" or not evidence[split] & evidence["train, seed 2"]


def test_every_family_has_all_labels_and_one_claim(rows):
    families = set(TEMPLATES["supports"])
    assert {(row["group"], row["label"]) for row in rows["train"]} == {(a, b) for a in families for b in LABELS}
    assert {(row["group"], row["label"]) for row in rows["ood"]} == {(a, b) for a in families for b in LABELS[:2]}
    claims = {family: {claim for label in LABELS for claim, _ in TEMPLATES[label][family]} for family in families}
    assert {family: len(found) for family, found in claims.items()} == dict.fromkeys(families, 1)


def test_sentences_are_clean(rows):
    for text in (text for drawn in rows.values() for pair in pairs(drawn) for text in pair):
        assert re.fullmatch(r"[A-Z][A-Za-z]*(,? [A-Za-z]+)*\.", text), text


def test_an_unknown_split_is_refused_at_once():
    with pytest.raises(UserError, match=r"'dev' of the generated facts corpus"):
        generate_facts("dev", 10, 0.5, 1)
