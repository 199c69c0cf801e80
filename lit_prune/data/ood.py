"""Out-of-distribution rows in the training set: their classes, and how often they are repeated.

"OOD information" of Liu et al. 2022 (SRNets), Fig. 6: how robust could a subnetwork be, were the bias no hindrance?
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lit_prune.errors import UserError

VALIDATION_OOD = "validation_ood"  # an OOD set beside the test sets, for the oracle that selects on it


def is_ood(split: str) -> bool:
    """True if a split is an OOD set to evaluate on: `ood`, `ood_<set>` or `validation_ood`."""
    return split in ("ood", VALIDATION_OOD) or (split.startswith("ood_") and split != "ood_train")


@dataclass(frozen=True, kw_only=True)
class OodTraining:
    """The use of a source's split `ood_train` in training.

    Args:
        labels: Class of these rows that the task lacks -> the class that it is trained as (the paper trains HANS's
            non_entailment as contradiction), or a list of classes: the loss is then -log of the sum of their
            probabilities.
        repeat: Number of copies of each row in the training set (the paper: 10 for the 708 rows for FEVER, else 1).
    """

    labels: dict[str, str | list[str]] = field(default_factory=dict)
    repeat: int = 1

    def check(self, labels: Sequence[str], where: str) -> None:
        """Raise a UserError if the labels do not fit a task's classes."""
        if self.repeat < 1:
            raise UserError(f"ood_train.repeat of {where} must be at least 1, got {self.repeat}: set a larger number")
        for name, meant in self.labels.items():
            classes = _listed(meant)
            if name in labels:
                raise UserError(f"ood_train.labels of {where} must not be its own, got {name!r}: leave it out")
            if not classes or len(set(classes)) < len(classes) or not set(classes) <= set(labels):
                raise UserError(
                    f"ood_train.labels of {where} must map to different labels of it, got {meant!r} for {name!r}: "
                    f"choose from {', '.join(labels)}"
                )

    def merged(self, labels: Sequence[str]) -> dict[str, tuple[int, ...]]:
        """Return the labels that stand for several classes, with the numbers of the classes."""
        several = {name: _listed(meant) for name, meant in self.labels.items() if len(_listed(meant)) > 1}
        return {name: tuple(labels.index(each) for each in classes) for name, classes in several.items()}

    def label_ids(self, labels: Sequence[str]) -> dict[str, int]:
        """Return the number of each label: that of its class, or, if merged, one after the task's own."""
        merged = list(self.merged(labels))
        return {
            name: len(labels) + merged.index(name) if name in merged else labels.index(_listed(meant)[0])
            for name, meant in self.labels.items()
        }


def _listed(meant: str | list[str]) -> list[str]:
    return [meant] if isinstance(meant, str) else meant


def classes_of_labels(num_classes: int, merged: Mapping[str, tuple[int, ...]]) -> list[list[bool]]:
    """Return, for each label, whether it may be each class, (labels, classes): the classes, then the merged ones."""
    sets = [*((number,) for number in range(num_classes)), *merged.values()]
    return [[number in each for number in range(num_classes)] for each in sets]
