"""Models of n-grams and lengths find a label where one text gives it away, and nowhere else."""

import pytest

from lit_prune.certify.shallow import FEATURES, Pairs, shallow_aurocs
from lit_prune.data import GeneratedNli

FIRST, SECOND, BOTH, LENGTHS = FEATURES


def rows(first, second, num=80):
    """Pairs with alternating labels; `first` and `second` return the texts of a number and its label."""
    labelled = [(number, number % 2) for number in range(num)]
    return Pairs.of([(first(*each), second(*each), bool(each[1])) for each in labelled])


def plain(number, label):
    return f"word{number // 2 % 7} word"


def telling(number, label):
    return f"word{number // 2 % 7} {'yes' if label else 'no'}"


def long(number, label):
    return "word " * (9 if label else 3)


@pytest.mark.parametrize(
    ("first", "second", "found"),
    [
        (telling, plain, {FIRST, BOTH, LENGTHS}),  # the words differ in length too
        (plain, telling, {SECOND, BOTH, LENGTHS}),
        (long, plain, {LENGTHS}),
        (plain, plain, set()),
    ],
)
def test_a_label_is_found_where_it_is(first, second, found):
    train = rows(first, second)
    aurocs = shallow_aurocs(train, {"test": train})
    assert set(aurocs) == set(FEATURES)
    for model, by_set in aurocs.items():
        assert by_set["test"] == pytest.approx(1.0 if model in found else 0.5, abs=0.05)


def test_version_2_of_nli_gives_nothing_away_and_version_1_does():
    def measured(version):
        source = GeneratedNli(num_eval=1000, version=version)
        drawn = [(row["text_a"], row["text_b"], row["label"] == "entailment") for row in source.rows("ood", None)]
        return shallow_aurocs(Pairs.of(drawn[::2]), {"ood": Pairs.of(drawn[1::2])})

    assert all(abs(by_set["ood"] - 0.5) < 0.1 for by_set in measured(2).values())
    assert measured(1)[FIRST]["ood"] > 0.75
