"""The bounds of a certificate, and the figures that are held against them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lit_prune.certify.runs import Config, Runs, with_one_text
from lit_prune.certify.shallow import Pairs, shallow_aurocs
from lit_prune.data.tasks.task import Task
from lit_prune.display.table import Table

ABOVE_CHANCE = 0.10  # |AUROC - .5| of models that should not solve the OOD sets, at most
OOD_ACCURACY = 0.95  # of the dense model without bias, at least
LOST_AUROC = 0.10  # by the bias, at least
GAINED_AUROC = 0.10  # over the biased models by balanced training on the same rows, at least
LONG = 4  # times the full budget
TEXTS = {"text_a": "first text", "text_b": "second text"}


class Check(NamedTuple):
    """A figure and its bound.

    Args:
        name: What is measured.
        value: The figure.
        bound: The bound.
        is_maximum: True if the bound is a maximum, False for a minimum.
    """

    name: str
    value: float
    bound: float
    is_maximum: bool = False

    @property
    def sign(self) -> str:
        """How the figure must compare to the bound."""
        return "<=" if self.is_maximum else ">="

    @property
    def holds(self) -> bool:
        """True if the figure keeps the bound."""
        return self.value <= self.bound if self.is_maximum else self.value >= self.bound


def pairs_of(task: Task, split: str, root: str | None) -> Pairs:
    """Return the pairs of a split, with the task's positive class as the positive label."""
    rows = task.source.rows(split, root)
    return Pairs.of([(row["text_a"], row["text_b"], row["label"] == task.positive) for row in rows])


def check_shallow(task: Task, root: str | None, ood: Sequence[str]) -> list[Check]:
    """Check models of n-grams and lengths, trained on the training set and on every second row of the first OOD set."""
    tests = {split: pairs_of(task, split, root) for split in ood}
    first = tests[ood[0]]
    matched = Pairs(first.texts[::2], first.is_positive[::2])
    others = {**tests, ood[0]: Pairs(first.texts[1::2], first.is_positive[1::2])}
    found = {
        "biased rows": shallow_aurocs(pairs_of(task, "train", root), tests),
        "OOD rows": shallow_aurocs(matched, others),
    }
    return [
        at_chance(f"{name}, trained on {rows}", by_split)
        for rows, by_model in found.items()
        for name, by_split in by_model.items()
    ]


def at_chance(name: str, auroc_by_split: Mapping[str, float]) -> Check:
    """Return the check of the AUROC that is farthest from chance."""
    split = max(auroc_by_split, key=lambda each: abs(auroc_by_split[each] - 0.5))
    return Check(f"|AUROC - .5| on {split}: {name}", abs(auroc_by_split[split] - 0.5), ABOVE_CHANCE, is_maximum=True)


def check_one_text(runs: Runs, config: Config, task: str, ood: Sequence[str]) -> list[Check]:
    """Check encoders fine-tuned on one text alone, on the training set and on every second row of the first OOD set."""
    checks = []
    for text, called in TEXTS.items():
        for rows, train_on in (("biased", None), ("OOD", ood[0])):
            metrics = runs.train(f"{text}_{rows.lower()}", with_one_text(config, task, text, train_on))
            aurocs = {split: metrics[f"{task}/{split}/auroc"] for split in ood}
            checks.append(at_chance(f"encoder, {called}, trained on {rows} rows", aurocs))
    return checks


def check_headroom(
    unbiased: Mapping[str, Any], biased: Mapping[str, float], balanced: Mapping[str, Any], of_ood: str
) -> list[Check]:
    """Check that the task can be learned, that its bias misleads, and that balanced training resists it.

    Args:
        unbiased: Metrics of the dense model without the bias.
        biased: Highest OOD AUROC of each dense model with the bias, at any of its evaluations. The best of them counts.
        balanced: Metrics of the dense model with balanced groups.
        of_ood: Prefix of the metrics of the OOD set.
    """
    best = max(biased, key=lambda name: biased[name])
    learned, resisted = (metrics[f"{of_ood}/auroc"] for metrics in (unbiased, balanced))
    return [
        Check("OOD accuracy of the dense model without bias", unbiased[f"{of_ood}/accuracy"], OOD_ACCURACY),
        Check(
            f"OOD AUROC that the bias costs the dense model ({best}, its best evaluation)",
            learned - biased[best],
            LOST_AUROC,
        ),
        Check("OOD AUROC that balanced groups gain over it", resisted - biased[best], GAINED_AUROC),
    ]


class Certificate(NamedTuple):
    """The result of a certification.

    Args:
        task: The task.
        version: Version of its rows, None for files.
        seed: Seed of all runs and of the task's draw of rows.
        ood: The OOD sets.
        checks: The figures and their bounds.
        models: Metrics of the models that were trained on whole rows, by name.
    """

    task: str
    version: int | None
    seed: int
    ood: Sequence[str]
    checks: Sequence[Check]
    models: Mapping[str, Mapping[str, Any]]

    @property
    def holds(self) -> bool:
        """True if all bounds hold."""
        return all(check.holds for check in self.checks)

    def values(self) -> dict[str, Any]:
        """Return the content of `certificate.json`."""
        checks = [{**check._asdict(), "holds": check.holds} for check in self.checks]
        models = {name: self._figures(metrics) for name, metrics in self.models.items()}
        return {**self._asdict(), "holds": self.holds, "checks": checks, "models": models}

    def tables(self) -> list[Table]:
        """Return the checks, and the models' figures."""
        checks = [
            ["holds" if each.holds else "FAILS", each.name, f"{each.value:.3f}", f"{each.sign} {each.bound:g}"]
            for each in self.checks
        ]
        figures = {name: self._figures(metrics) for name, metrics in self.models.items()}
        columns = list(next(iter(figures.values())))
        rows = [[name, *(f"{found[column]:.3f}" for column in columns)] for name, found in figures.items()]
        title = f"{self.task}, seed {self.seed}: {'certified' if self.holds else 'not certified'}"
        return [
            Table(title, ["", "figure", "value", "bound"], checks, 2),
            Table("Models", ["model", *columns], rows, 1),
        ]

    def _figures(self, metrics: Mapping[str, Any]) -> dict[str, float]:
        """Return accuracy and AUROC on ID and OOD sets."""
        names = [f"{split}/{metric}" for split in ("id", *self.ood) for metric in ("accuracy", "auroc")]
        return {name: metrics[f"{self.task}/{name}"] for name in names}
