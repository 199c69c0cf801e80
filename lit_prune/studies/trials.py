"""Values that are tried by some runs, of which the others have the one that did best on validation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isnan
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class Trials:
    """What decides whether a run is run.

    Args:
        axis: The axis whose values are tried, as the learning rate.
        names: The runs that try a value, by value; of each as many, in the same order of their other axes.
    """

    axis: str
    names: Mapping[Any, tuple[str, ...]]

    def best(self, score: Callable[[str], float]) -> Any:
        """The value that did best in the mean over what all values have been tried with; the first of equals.

        Args:
            score: A run's name -> how it did on validation, the higher the better; NaN where it has not ended well.

        Returns:
            The value; None: there is nothing to choose by.
        """
        scores = {value: [score(name) for name in names] for value, names in self.names.items()}
        known = {value: each for value, each in scores.items() if not all(map(isnan, each))}
        shared = [not any(map(isnan, each)) for each in zip(*known.values(), strict=True)]
        if not any(shared):
            return None
        means = {
            value: fmean(one for one, use in zip(each, shared, strict=True) if use) for value, each in known.items()
        }
        return max(means, key=lambda value: means[value])
