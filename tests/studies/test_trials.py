"""Which value did best."""

from math import nan

import pytest

from lit_prune.studies.trials import Trials


@pytest.mark.parametrize(
    ("scores", "best"),
    [
        ({"a": (0.5, 0.7), "b": (0.6, 0.7)}, "b"),
        ({"a": (0.5, 0.9), "b": (0.6, 0.7)}, "a"),  # in the mean
        ({"b": (0.5, 0.5), "a": (0.5, 0.5)}, "b"),  # the first of equals
        ({"a": (-2.0, -2.0), "b": (-3.0, -1.5)}, "a"),
        ({"a": (0.5, 0.9), "b": (0.6, nan)}, "b"),  # by what both have
        ({"a": (nan, nan), "b": (0.1, 0.1)}, "b"),
        ({"a": (0.5, nan), "b": (nan, 0.5)}, None),
        ({"a": (nan, nan), "b": (nan, nan)}, None),
    ],
)
def test_the_best_in_the_mean_of_what_all_were_tried_with(scores, best):
    names = {value: tuple(f"{value}{number}" for number in range(2)) for value in scores}
    by_name = {f"{value}{number}": each for value, found in scores.items() for number, each in enumerate(found)}
    assert Trials("rate", names).best(by_name.__getitem__) == best
