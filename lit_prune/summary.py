"""The console's last words of a run: its models side by side, warnings, and its folder on the last line."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lit_prune.markup import on_console
from lit_prune.recorded import read_metrics

COLLAPSED_SHARE = 0.99  # a model that gives one class to more than this share of a set has collapsed

# The metric that every task of a kind has -> what is shown of a set: title -> metric.
KINDS = {
    "/id/exact_match": {"exact match": "exact_match", "F1": "f1"},
    "/id/mean_correlation": {"Pearson": "pearson", "Spearman": "spearman"},
}
MAIN = ("/id/accuracy", *KINDS)

MODELS = {"dense": "dense/", "dense, shifted": "dense_shifted/", "result": "", "one answer": "constant/"}


def print_summary(run: Path) -> None:
    """Print the table of a complete run, from its `metrics.json`, and its path on the last line.

    Args:
        run: The run's folder. Without metrics (a run stopped early) only the path is printed.
    """
    console = Console(soft_wrap=True)
    path = run / "metrics.json"
    if path.is_file():
        values = read_metrics(path, ("sparsity", "steps", "denominator"))
        for task in sorted({name.split("/")[0] for name in values if name.endswith(MAIN) and _own(name)}):
            console.print(_table(values, task))
            bias = {name: value for name, value in values.items() if name.startswith(f"bias/{task}/")}
            if bias:
                figures = ", ".join(
                    f"{name.split('/')[2].replace('_', ' ')} {value:.3f}" for name, value in bias.items()
                )
                console.print(f"bias model on the training set: {figures}", markup=False)
            teacher = {name: value for name, value in values.items() if name.startswith(f"teacher/{task}/")}
            if teacher:
                figures = ", ".join(f"{name.split('/')[2]} {value:.3f}" for name, value in teacher.items())
                console.print(f"accuracy of the teacher: {figures}")
        told = f"sparsity {values['sparsity']:.4f} of {values['denominator']}; {values['steps']} optimizer steps"
        console.print(told, markup=False)
        for line in collapses(values):
            console.print(Text("warning: ", style="bold red"), on_console(line), sep="")
    console.print(str(run), highlight=False, markup=False)


def _own(name: str) -> bool:
    return not name.startswith(("dense/", "dense_shifted/", "constant/", "bias/", "teacher/"))


def _table(values: dict[str, Any], task: str) -> Table:
    """One column per model, one row per metric."""
    shown = next((shown for main, shown in KINDS.items() if f"{task}{main}" in values), None)
    names = _by_split(values, task, shown) if shown else _classification(values, task)
    first = next(iter(names.values()))
    models = {title: prefix for title, prefix in MODELS.items() if f"{prefix}{task}/{first}" in values}
    table = Table(title=on_console(f"{task} (selected by ID metrics, never by OOD)"))
    table.add_column("")
    for title in models:
        table.add_column(title, justify="right")
    sparsities = {"": f"{values['sparsity']:.3f}", "constant/": ""}
    table.add_row("sparsity", *(sparsities.get(prefix, "0.000") for prefix in models.values()))
    for title, name in names.items():
        cells = [values.get(f"{prefix}{task}/{name}") for prefix in models.values()]
        if any(cell is not None for cell in cells):
            table.add_row(on_console(title), *("" if cell is None else f"{cell:.3f}" for cell in cells))
    return table


def _by_split(values: dict[str, Any], task: str, shown: dict[str, str]) -> dict[str, str]:
    """Title -> metric of a task that is no classification; `shown` is the same of one set."""
    splits = ["id", *sorted({name.split("/")[1] for name in values if name.startswith(f"{task}/ood")})]
    titles = {split: "ID" if split == "id" else split.replace("ood", "OOD").replace("_", " ") for split in splits}
    return {f"{titles[split]} {kind}": f"{split}/{name}" for split in splits for kind, name in shown.items()}


def _classification(values: dict[str, Any], task: str) -> dict[str, str]:
    """Title -> metric of a task of classes."""
    f1 = {" F1": "f1", " F1, weighted": "f1_weighted"} if f"{task}/id/f1" in values else {}  # a task of two classes
    names = {"ID accuracy": "id/accuracy"} | {f"ID{title}": f"id/{name}" for title, name in f1.items()}
    for split in sorted({name.split("/")[1] for name in values if name.startswith(f"{task}/ood")}):
        title = split.replace("ood", "OOD").replace("_", " ")
        prefix = f"{task}/{split}/predicted_share_"
        classes = [name.removeprefix(prefix) for name in values if name.startswith(prefix)]
        names[f"{title} accuracy"] = f"{split}/accuracy"
        names |= {f"{title} accuracy, {each.replace('_', ' ')}": f"{split}/accuracy_{each}" for each in classes}
        names |= {f"{title}{kind}": f"{split}/{name}" for kind, name in f1.items()}
        names[f"{title} AUROC"] = f"{split}/auroc"
        names |= {f"{title} predicted {each.replace('_', ' ')}": f"{split}/predicted_share_{each}" for each in classes}
    return names


def collapses(values: dict[str, Any]) -> list[str]:
    """A line for each set on which the selected model predicts (almost) one class only."""
    return [
        f"the selected model has collapsed: it predicts {name.rsplit('predicted_share_', 1)[1]} for {value:.1%} of "
        f"{name.rsplit('/', 1)[0]}"
        for name, value in values.items()
        if "/predicted_share_" in name and _own(name) and value > COLLAPSED_SHARE
    ]
