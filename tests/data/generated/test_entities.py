"""The generated corpus of entities: contexts decide everywhere, endings where they are said to."""

import hashlib
import re
from collections import Counter

import pytest
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from lit_prune.data.generated.corpus import SPLITS
from lit_prune.data.generated.entities import generate_entities
from lit_prune.data.generated.entities_templates import BEGINNINGS, CLAUSES, ENDINGS, VOWELS
from lit_prune.data.tasks.tags import find_entities
from lit_prune.errors import UserError

NUM_ROWS = 1000
NAME = re.compile(
    rf"({'|'.join(BEGINNINGS)})({'|'.join(VOWELS)})({'|'.join(each for e in ENDINGS.values() for each in e)})"
)
TYPE_OF = {ending: kind for kind, endings in ENDINGS.items() for ending in endings}


@pytest.fixture(scope="module")
def rows():
    """Rows of every split, and of a second seed of "train"."""
    drawn = {split: list(generate_entities(split, NUM_ROWS, 0.8, seed=1)) for split in SPLITS}
    return {**drawn, "train, seed 2": list(generate_entities("train", NUM_ROWS, 0.8, seed=2))}


def words(row):
    return [row["text_a"][start:end] for start, end in row["words"]]


def names(row):
    """The names of a row: (type, words, place of the first)."""
    return [(kind, words(row)[first : last + 1], first) for kind, first, last in find_entities(row["tags"])]


def test_rows_are_the_same_in_every_process():
    # A changed grammar changes this digest.
    assert (
        hashlib.sha256(repr(list(generate_entities("id", 100, 0.9, 7))).encode()).hexdigest()[:16] == "f5972f9ea34a7554"
    )


@pytest.mark.parametrize("split", SPLITS)
def test_fewer_rows_are_a_prefix(split):
    assert list(generate_entities(split, 31, 0.9, 3)) == list(generate_entities(split, 80, 0.9, 3))[:31]


def test_names_and_nothing_else_are_tagged(rows):
    for row in (row for drawn in rows.values() for row in drawn):
        is_name = [NAME.fullmatch(word) is not None for word in words(row)]
        assert is_name == [tag != "O" for tag in row["tags"]]
        assert len(names(row)) == 2
        assert {len(each) for _, each, _ in names(row)} <= {1, 2}
        assert (row["label"], row["text_b"]) == ("", "")
        assert row["text_a"].endswith(".")
        assert row["text_a"][0].isupper()


def test_the_clause_around_a_name_decides_its_type(rows):
    for row in (row for drawn in rows.values() for row in drawn):
        found = names(row)
        for (kind, each, _), clause in zip(
            found, re.split(r", (?:and|but|while|although) ", row["text_a"][:-1]), strict=True
        ):
            frame = clause.replace(" ".join(each), "{name}").lower()
            fitting = [
                other
                for other, clauses in CLAUSES.items()
                for template in clauses
                if re.fullmatch(
                    re.escape(template.lower()).replace(r"\{time\}", ".+").replace(r"\{day\}", r"\w+day"), frame
                )
            ]
            assert fitting == [kind]


def test_endings_agree_at_the_bias_rate_and_mislead_out_of_distribution(rows):
    for split, drawn in rows.items():
        aligned = 0
        for row in drawn:
            agree = {TYPE_OF[NAME.fullmatch(word)[3]] == kind for kind, each, _ in names(row) for word in each}
            assert agree == {row["group"] == "aligned"}
            aligned += row["group"] == "aligned"
        assert aligned / NUM_ROWS == pytest.approx(0.8 if split.startswith(("train", "id")) else 0, abs=0.04)


def test_types_and_lengths_of_names_are_independent_of_the_bias(rows):
    counts = Counter((kind, len(each), row["group"]) for row in rows["train"] for kind, each, _ in names(row))
    for group, size in Counter(row["group"] for row in rows["train"]).items():
        for kind in CLAUSES:
            for length in (1, 2):
                assert counts[kind, length, group] / (2 * size) == pytest.approx(1 / 6, abs=0.06)


def test_splits_share_no_sentence_and_training_no_name_with_ood(rows):
    texts = {split: {row["text_a"] for row in drawn} for split, drawn in rows.items()}
    assert {len(each) for each in texts.values()} == {NUM_ROWS}
    for split in SPLITS[1:]:
        assert not texts["train"] & texts[split]
    beginnings = {
        split: {NAME.fullmatch(word)[1] for row in drawn for _, each, _ in names(row) for word in each}
        for split, drawn in rows.items()
    }
    assert beginnings["train"] == beginnings["id"]
    assert beginnings["ood"] == beginnings["ood_train"]
    assert not beginnings["train"] & beginnings["ood"]


@pytest.mark.parametrize(("of_ending", "expected"), [(True, {"id": 0.8, "ood": 0.0}), (False, {"id": 1.0, "ood": 1.0})])
def test_a_shallow_model_of_endings_is_misled_and_one_of_contexts_is_not(rows, of_ending, expected):
    def features(row):
        for kind, each, first in names(row):
            before = " ".join(words(row)[max(0, first - 3) : first]).lower()
            after = " ".join(words(row)[first + len(each) :][:4])
            ending = {"ending": NAME.fullmatch(each[0])[3]}
            yield (
                ending
                if of_ending
                else {f"before {word}": 1 for word in before.split()} | {f"after {w}": 1 for w in after.split()},
                kind,
            )

    made = {
        split: [*zip(*(each for row in rows[split] for each in features(row)), strict=True)]
        for split in ("train", "id", "ood")
    }
    table = DictVectorizer().fit(made["train"][0])
    model = LogisticRegression(max_iter=1000).fit(table.transform(made["train"][0]), made["train"][1])
    for split, accuracy in expected.items():
        found = model.score(table.transform(made[split][0]), made[split][1])
        assert found == pytest.approx(accuracy, abs=0.05)


@pytest.mark.parametrize(("split", "bias_rate"), [("dev", 0.9), ("train", 1.1), ("train", -0.1)])
def test_arguments_out_of_range_are_errors(split, bias_rate):
    with pytest.raises(UserError, match=r"unknown split 'dev'|bias_rate must be from 0 to 1"):
        list(generate_entities(split, 1, bias_rate, 0))
