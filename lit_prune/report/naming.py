"""Labels, units and directions of metrics, axes and models in tables and figures."""

from lit_prune.report.run import Value
from lit_prune.runs.summary import metric_title

MODELS = {
    "result": "result",
    "by_worst_group": "result, by worst group",
    "by_ood_validation": "result, by OOD validation (oracle)",
    "dense": "dense",
    "factorise": "factorised, not trained",  # a phase of this name
    "dense_shifted": "threshold-shifted dense",
    "bias": "bias model",
    "teacher": "teacher",
    "constant": "constant-prediction baseline",
}
_ABBREVIATIONS = {"id": "ID", "ood": "OOD", "auroc": "AUROC", "f1": "F1"}
_SETS = {"id": "in distribution", "ood": "out of distribution"}
_SHARES = ("accuracy", "worst_group_accuracy", "worst_group_f1", "predicted_share", "auroc", "f1", "exact_match")
_FRACTIONS = ("sparsity", "density", "parameter_density", "stored_density", "bias_rate")
_AXES = {
    "sparsity": "sparsity (% of weights removed)",
    "density": "density (% of weights kept)",
    "parameter_density": "parameters kept (% of the layers')",
    "stored_density": "parameters stored (% of the layers')",
}


def metric_label(name: str) -> str:
    """Return the label of a metric: `nli/ood/accuracy_non_entailment` -> `nli OOD accuracy, non entailment`."""
    *place, metric = name.split("/")
    return " ".join([*map(_word, place), _metric(metric)])


def column_title(name: str) -> str:
    """Return the label of a metric with the set in full: `nli/ood_hans/f1` -> `nli F1, out of distribution (hans)`."""
    task, *rest, metric = name.split("/") if "/" in name else ("", name)
    return ", ".join([f"{task} {_metric(metric)}".strip(), *map(set_label, rest)])


def set_label(split: str) -> str:
    """Return an evaluation set in words: `ood_hans` -> `out of distribution (hans)`."""
    first, _, name = split.partition("_")
    return _SETS.get(first, first) + (f" ({name.replace('_', ' ')})" if name else "")


def _metric(name: str) -> str:
    """Return a metric in words, with the class or group after a comma."""
    title = metric_title(name)
    if title != name.replace("_", " "):
        return title
    of_class = next((each for each in _SHARES if name.startswith(f"{each}_")), None)
    if of_class is None:
        return _word(name)
    return f"{_word(of_class)}, {name.removeprefix(f'{of_class}_').replace('_', ' ')}"


def _word(part: str) -> str:
    first, *rest = part.split("_")
    return " ".join([_ABBREVIATIONS.get(first, first), *rest])


def is_share(name: str) -> bool:
    """True if a metric lies between 0 and 1."""
    return name.rsplit("/", 1)[-1].startswith(_SHARES)


def higher_is_better(name: str) -> bool | None:
    """True if higher values of a metric are better, None if it has no direction, as numbers without a split."""
    *place, metric = name.split("/")
    if not place or metric.startswith(("predicted_share", "threshold_")):
        return None
    return not (metric in ("loss", "ece") or metric.endswith("_error") or metric.startswith("mean_absolute_error_"))


def sign(name: str) -> int:
    """Return -1 if lower values of a metric are better, otherwise 1."""
    return -1 if higher_is_better(name) is False else 1


def is_in_percent(name: str) -> bool:
    """True if figures show an axis or metric in percent: all fractions but the AUROC."""
    return name in _FRACTIONS or (is_share(name) and not name.endswith("auroc"))


def display_factor(name: str) -> int:
    """Return the factor of an axis or metric in figures: 100 for percent, otherwise 1."""
    return 100 if is_in_percent(name) else 1


def axis_label(axis: str) -> str:
    """Return the label of an axis with its unit: `sparsity (% of weights removed)`."""
    return _AXES.get(axis, axis.replace("_", " ") + (" (%)" if is_in_percent(axis) else ""))


def unit_label(name: str) -> str:
    """Return the quantity and unit of a metric: `accuracy (%)`, `AUROC`."""
    metric = name.rsplit("/", 1)[-1]
    kind = next((each for each in _SHARES if metric.startswith(each)), metric)
    return metric_title(kind) + (" (%)" if is_in_percent(name) else "")


def value_text(axis: str, value: Value | None) -> str:
    """Return the text of an axis value: fractions in percent, `-` for None."""
    if value is None:
        return "-"
    if axis in _FRACTIONS and not isinstance(value, str):
        return f"{100 * value:g}%"
    return f"{value:g}" if isinstance(value, float) else str(value)
