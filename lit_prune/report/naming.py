"""What metrics, axes and models are called in tables and figures, in which units, and which end of them is better."""

from lit_prune.report.run import Value

MODELS = {
    "result": "result",
    "dense": "dense",
    "dense_shifted": "dense, shifted",
    "bias": "bias model",
    "teacher": "teacher",
    "constant": "one answer to all rows",
}
_ABBREVIATIONS = {"id": "ID", "ood": "OOD", "auroc": "AUROC", "f1": "F1"}
_SHARES = ("accuracy", "predicted_share", "auroc", "f1", "exact_match")
_FRACTIONS = ("sparsity", "density", "parameter_density", "stored_density", "bias_rate")
_AXES = {
    "sparsity": "sparsity (% of weights removed)",
    "density": "density (% of weights kept)",
    "parameter_density": "parameters kept (% of the layers')",
    "stored_density": "parameters stored (% of the layers')",
}


def metric_label(name: str) -> str:
    """`nli/ood/accuracy_non_entailment` -> `nli OOD accuracy, non entailment`."""
    *place, metric = name.split("/")
    of_class = next((each for each in _SHARES if metric.startswith(f"{each}_")), None)
    if of_class is not None:
        metric = f"{of_class.replace('_', ' ')}, {metric.removeprefix(f'{of_class}_').replace('_', ' ')}"
    return " ".join(_word(part) for part in [*place, metric])


def _word(part: str) -> str:
    first, *rest = part.split("_")
    return " ".join([_ABBREVIATIONS.get(first, first), *rest])


def is_share(name: str) -> bool:
    """Whether a metric lies between 0 and 1."""
    return name.rsplit("/", 1)[-1].startswith(_SHARES)


def higher_is_better(name: str) -> bool | None:
    """True if larger is better, which holds for all metrics but losses and errors; None if neither is, or of no set."""
    *place, metric = name.split("/")
    if not place or metric.startswith("predicted_share"):
        return None
    return not (metric.startswith("loss") or metric.endswith("_error"))


def sign(name: str) -> int:
    """-1 where less of a metric is better, else 1."""
    return -1 if higher_is_better(name) is False else 1


def in_percent(name: str) -> bool:
    """Whether figures show an axis or a metric in percent: all shares but the AUROC."""
    return name in _FRACTIONS or (is_share(name) and not name.endswith("auroc"))


def axis_label(axis: str) -> str:
    """An axis with its unit: `sparsity (% of weights removed)`."""
    return _AXES.get(axis, axis.replace("_", " ") + (" (%)" if in_percent(axis) else ""))


def unit_label(name: str) -> str:
    """What a metric's numbers are: `accuracy (%)`, `AUROC`."""
    metric = name.rsplit("/", 1)[-1]
    kind = next((each for each in _SHARES if metric.startswith(each)), metric)
    return " ".join(map(_word, kind.split("_"))) + (" (%)" if in_percent(name) else "")


def value_text(axis: str, value: Value | None) -> str:
    """A value of an axis: fractions in percent, `-` for none."""
    if value is None:
        return "-"
    if axis in _FRACTIONS and not isinstance(value, str):
        return f"{100 * value:g}%"
    return f"{value:g}" if isinstance(value, float) else str(value)
