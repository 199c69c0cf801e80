"""The summary of a run on the console: its models side by side, warnings, and its folder on the last line."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from lit_prune.display.markup import on_console
from lit_prune.runs.recorded import read_metrics, read_record

COLLAPSED_SHARE = 0.99  # a model that predicts one class for more than this fraction of a set has collapsed

MODELS = {"dense": "dense/", "dense, shifted": "dense_shifted/", "result": "", "constant": "constant/"}
SPARSITIES = {"dense/": "dense/sparsity", "dense_shifted/": "dense/sparsity", "": "sparsity"}  # prefix -> its number

TITLES = {
    "auroc": "AUROC",
    "auroc_macro": "AUROC, macro",
    "ece": "ECE",
    "f1": "F1",
    "f1_macro": "F1, macro",
    "f1_micro": "F1, micro",
    "f1_weighted": "F1, weighted",
    "matthews": "Matthews",
    "mean_correlation": "mean of Pearson and Spearman",
    "mean_f1_accuracy": "mean of F1 and accuracy",
    "ndcg_at_10": "nDCG at 10",
    "pearson": "Pearson",
    "r2": "R²",
    "spearman": "Spearman",
    "worst_group_accuracy": "worst-group accuracy",
    "worst_group_f1": "worst-group F1",
    "worst_group_f1_micro": "worst-group F1, micro",
    "worst_group_mean_absolute_error": "worst-group mean absolute error",
    "worst_group_ndcg_at_10": "worst-group nDCG at 10",
    "worst_group_spearman": "worst-group Spearman",
}
_MODELS = ("bias", "teacher")  # their metrics are `<model>/<task>/<metric>`
_ROUND = re.compile(r"(round_(\d+)/)sparsity")


def print_summary(run: Path) -> None:
    """Print the metrics of a complete run; the last line is the path of the run's folder.

    Args:
        run: The run's folder. For an incomplete run, only the path is printed.
    """
    console = Console(soft_wrap=True)
    if (run / "metrics.json").is_file():
        values = read_metrics(run / "metrics.json", ("sparsity", "steps", "denominator"))
        record = read_record(run)
        selection = record.get("selection")  # version 0.1.0 records none
        chosen = selection.items() if isinstance(selection, dict) else ()
        _print_values(console, values, {task: metric for task, metric in chosen if isinstance(metric, str)})
    console.print(str(run), highlight=False, markup=False)


def _print_values(console: Console, values: Mapping[str, Any], selection: Mapping[str, str]) -> None:
    for task in _tasks(values):
        console.print(_table(values, task, selection))
        for prefix, text in {"bias": "bias model on the training set", "teacher": "accuracy of the teacher"}.items():
            found = {name: value for name, value in values.items() if name.startswith(f"{prefix}/{task}/")}
            if found:
                figures = (f"{name.split('/')[2].replace('_', ' ')} {value:.3f}" for name, value in found.items())
                console.print(f"{text}: {', '.join(figures)}", markup=False)
    if any(map(_ROUND.fullmatch, values)):
        console.print(_rounds(values, selection))
    if "macro" in values:
        models = {title: f"{prefix}macro" for title, prefix in MODELS.items() if f"{prefix}macro" in values}
        figures = (f"{title} {values[name]:.4f}" for title, name in models.items())
        console.print(f"macro, the mean over the tasks on ID: {', '.join(figures)}")
    console.print(f"{_sparsity(values)}; {values['steps']} optimizer steps", markup=False)
    if parameters := _parameters(values):
        console.print(parameters)
    for line in collapses(values):
        console.print(Text("warning: ", style="bold red"), on_console(line), sep="")


def _tasks(values: Mapping[str, Any]) -> list[str]:
    """Return the tasks: those with metrics `<task>/id/<metric>`; the metrics of other models have a further prefix."""
    places = [name.split("/") for name in values]
    return sorted({place[0] for place in places if len(place) == 3 and place[1] == "id" and place[0] not in _MODELS})


def _metrics(values: Mapping[str, Any], task: str) -> list[str]:
    """Return the metrics of a task's whole sets, in their order; those of groups begin with the name of another."""
    names = [name.removeprefix(f"{task}/id/") for name in values if name.startswith(f"{task}/id/")]
    own = [name for name in names if not any(name.startswith(f"{other}_") for other in names)]
    return [name for name in own if name != "loss" and not name.startswith("threshold_")]


def _table(values: Mapping[str, Any], task: str, selection: Mapping[str, str]) -> Table:
    """Return a table with a column per model and a row per metric."""
    names = _names(values, task, selection.get(task))
    models = {
        title: prefix
        for title, prefix in MODELS.items()
        if any(f"{prefix}{task}/{name}" in values for name in names.values())
    }
    version = f"version {values[f'{task}/version']}, " if f"{task}/version" in values else ""
    table = Table(title=on_console(f"{task} ({version}{_rule(values, task, selection)}, never by OOD)"))
    table.add_column("")
    for model in models:
        table.add_column(model, justify="right")
    sparsities = (f"{values.get(SPARSITIES[each], 0.0):.3f}" if each in SPARSITIES else "" for each in models.values())
    table.add_row("sparsity", *sparsities)
    for title, name in names.items():
        cells = [values.get(f"{prefix}{task}/{name}") for prefix in models.values()]
        if any(cell is not None for cell in cells):
            table.add_row(on_console(title), *("" if cell is None else f"{cell:.3f}" for cell in cells))
    return table


def _rule(values: Mapping[str, Any], task: str, selection: Mapping[str, str]) -> str:
    """Return the rule that selected the model, in words."""
    if not selection:
        return "selected by ID metrics"
    if task not in selection:
        return f"auxiliary, selected by {', '.join(selection)}"
    split = "validation" if f"{task}/validation/{selection[task]}" in values else "ID"
    mean = f" in the mean over {len(selection)} tasks" if len(selection) > 1 else ""
    return f"selected by {split} {metric_title(selection[task])}{mean}"


def _names(values: Mapping[str, Any], task: str, selection: str | None) -> dict[str, str]:
    """Return the metrics `<split>/<metric>` of a task by title, the selection metric first."""
    chosen = {} if selection is None else {metric_title(selection): selection}
    names = {f"validation {title}": f"validation/{name}" for title, name in chosen.items()}
    if f"{task}/id/accuracy" in values:
        return names | _classification(values, task, chosen)
    shown = {metric_title(name): name for name in _metrics(values, task)}
    return names | {
        f"{_set(split)} {kind}": f"{split}/{name}"
        for split in ["id", *_ood(values, task)]
        for kind, name in (chosen | shown).items()
    }


def _classification(values: Mapping[str, Any], task: str, chosen: Mapping[str, str]) -> dict[str, str]:
    """Return the metrics of a classification task by title, the selection metric of each set first."""
    whole = {**chosen, "accuracy": "accuracy"}
    f1 = {"F1": "f1", "F1, weighted": "f1_weighted"} if f"{task}/id/f1" in values else {}  # a task of two classes
    fair = {metric_title(name): name for name in ("worst_group_accuracy", "ece")}
    names = {f"ID {title}": f"id/{name}" for title, name in (whole | f1 | fair).items()}
    for split in _ood(values, task):
        title = _set(split)
        prefix = f"{task}/{split}/predicted_share_"
        classes = [name.removeprefix(prefix) for name in values if name.startswith(prefix)]
        names |= {f"{title} {kind}": f"{split}/{name}" for kind, name in whole.items()}
        names |= {f"{title} accuracy, {each.replace('_', ' ')}": f"{split}/accuracy_{each}" for each in classes}
        names |= {f"{title} {kind}": f"{split}/{name}" for kind, name in f1.items()}
        names[f"{title} AUROC"] = f"{split}/auroc"
        names |= {f"{title} {kind}": f"{split}/{name}" for kind, name in fair.items()}
        names |= {f"{title} predicted {each.replace('_', ' ')}": f"{split}/predicted_share_{each}" for each in classes}
    return names


def _rounds(values: Mapping[str, Any], selection: Mapping[str, str]) -> Table:
    """Return a table of the selection metric on all sets, with a row per evaluated round of pruning and the result."""
    rounds = sorted((int(found[2]), found[1]) for name in values if (found := _ROUND.fullmatch(name)))
    tasks = _tasks(values)
    columns = {}
    for task in tasks:
        chosen = selection.get(task, _metrics(values, task)[0])
        for split in ["id", *_ood(values, task)]:
            title = f"{_set(split)} {metric_title(chosen)}"
            columns[title if len(tasks) == 1 else f"{task} {title}"] = f"{task}/{split}/{chosen}"
    table = Table(title="rounds")
    table.add_column("round")
    for title in ["sparsity", *columns]:
        table.add_column(on_console(title), justify="right")
    for row, prefix in [*((str(number), prefix) for number, prefix in rounds), ("result", "")]:
        cells = [values.get(f"{prefix}{name}") for name in ["sparsity", *columns.values()]]
        table.add_row(row, *("" if cell is None else f"{cell:.3f}" for cell in cells))
    return table


def _ood(values: Mapping[str, Any], task: str) -> list[str]:
    return sorted({name.split("/")[1] for name in values if name.startswith(f"{task}/ood")})


def _set(split: str) -> str:
    return "ID" if split == "id" else split.replace("ood", "OOD").replace("_", " ")


def metric_title(metric: str) -> str:
    """Return the title of a metric."""
    return TITLES.get(metric, metric.replace("_", " "))


def _sparsity(values: Mapping[str, Any]) -> str:
    if values["sparsity"] == 0 and values["denominator"] == "nothing is pruned":
        return "nothing is pruned"
    return f"sparsity {values['sparsity']:.4f} of {values['denominator']}"


def _parameters(values: Mapping[str, Any]) -> str:
    """Return densities and trainable fraction, with their names in `metrics.json`."""
    texts = [f"{name} {values[name]:.4f}" for name in ("parameter_density", "stored_density") if name in values]
    if values.get("stored_density") == values.get("parameter_density"):  # they differ only with masks for each task
        texts = texts[:1]
    texts += [f"{name} {values[name]:.4f}" for name in ("wasted_ranks",) if name in values]
    if "tuned" in values:
        texts.append(f"tuned {values['tuned']:,} entries, tuned_share {values['tuned_share']:.4f}")
    return ", ".join(texts)


def collapses(values: Mapping[str, Any]) -> list[str]:
    """Return a line for the selected model, and for that of a round, if it predicts (almost) one class on some sets."""
    found: dict[str, dict[str, list[str]]] = {}  # model -> class -> shares of sets
    for name, value in values.items():
        place, _, label = name.partition("/predicted_share_")
        model, _, name_of_set = place.partition("/") if place.startswith("round_") else ("", "", place)
        if label and name_of_set.count("/") == 1 and value > COLLAPSED_SHARE:
            found.setdefault(model, {}).setdefault(label, []).append(f"{value:.1%} of {name_of_set}")
    return [
        f"the {f'model of {model}' if model else 'selected model'} has collapsed: it predicts "
        + "; ".join(f"{label} for {', '.join(shares)}" for label, shares in classes.items())
        for model, classes in found.items()
    ]
