"""Trial runs of a tuned axis, which select the value that does best on validation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isnan
from statistics import fmean
from typing import Any


@dataclass(frozen=True)
class Trials:
    """The trial runs that decide whether a run is run.

    Args:
        axis: The tuned axis, such as the learning rate.
        names: Names of the trial runs by value, equally many and in the same order of further axes for each value.
    """

    axis: str
    names: Mapping[Any, tuple[str, ...]]

    def best(self, score: Callable[[str], float]) -> Any:
        """Return the value with the best mean validation metric over the trials that all values share.

        Args:
            score: Returns the validation metric of a run by its name, higher is better, NaN if it is incomplete.

        Returns:
            The best value, the first of equals; None if no trials are shared.
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
