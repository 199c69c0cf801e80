"""The metadata of a model card: base model, licence and results, in the form of the Hugging Face hub."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from huggingface_hub import EvalResult, ModelCardData

from lit_prune.data.configured import configured_tasks, setting
from lit_prune.encoders import bundled
from lit_prune.encoders.hub_files import is_on_hub, read_licence
from lit_prune.export.formats.format import Format
from lit_prune.export.trained import Trained


def card_data(trained: Trained, form: Format, pipeline: str) -> ModelCardData:
    """Return the metadata of the card of an export; of random weights there is no base model.

    Args:
        trained: The run's result.
        form: Its format.
        pipeline: The hub's name of its task.
    """
    sources = {name: each.get("source") or {} for name, each in configured_tasks(trained.config).items()}
    trained_on = [_table(sources[name], "train") for name in trained.model.tasks]
    return ModelCardData(
        library_name=form.library,
        pipeline_tag=pipeline,
        tags=["pruning", "sparse", "lit_prune"],
        datasets=list(dict.fromkeys(table["path"] for table in trained_on if table)) or None,
        model_name=str(trained.record["experiment"]),
        eval_results=_results(trained, sources),
        **_of_backbone(trained),
    )


def metrics_by_split(trained: Trained) -> dict[str, dict[str, float]]:
    """Return the metrics of the result that cards show, by `<task>/<split>` and name."""
    tasks = trained.model.tasks
    shown = {*(name for task in tasks.values() for name in task.card_metrics), "loss"}
    found: dict[str, dict[str, float]] = {}
    for key, value in trained.metrics.items():
        parts = key.split("/")
        if len(parts) == 3 and parts[0] in tasks and parts[2] in shown:
            found.setdefault("/".join(parts[:2]), {})[parts[2]] = value
    return found


def _of_backbone(trained: Trained) -> dict[str, Any]:
    """Return the base model, if it has a name on the hub, and its licence."""
    if setting(trained.config, "encoder.pretrained", bool | None) is False:
        return {"license": "unknown"}
    backbone = trained.backbone
    named = bundled.HUB_NAME if backbone.backbone == bundled.NAME else backbone.backbone
    licence = read_licence(trained.model.encoder.name, backbone.revision)
    return licence | ({"base_model": named} if named else {})


def _results(trained: Trained, sources: Mapping[str, Any]) -> list[EvalResult]:
    results = []
    for key, values in metrics_by_split(trained).items():
        name, _, split = key.partition("/")
        kind = str(sources[name].get("class_path", "")).rpartition(".")[2]
        called = f"{name} ({kind})" if kind else name
        dataset: dict[str, Any] = {"dataset_type": name, "dataset_name": called, "dataset_split": split}
        if table := _table(sources[name], split):
            dataset |= {"dataset_type": table["path"], "dataset_name": table["path"]}
            dataset |= {
                "dataset_config": table.get("name"),
                "dataset_split": table.get("split"),
                "dataset_revision": table.get("revision"),
            }
        results += [
            EvalResult(
                task_type=trained.model.tasks[name].pipeline,
                metric_type=metric,
                metric_name=f"{key}/{metric}",
                metric_value=value,
                **dataset,
            )
            for metric, value in values.items()
            if metric != "loss" and isfinite(value)
        ]
    return results


def _table(source: Mapping[str, Any], split: str) -> Mapping[str, Any] | None:
    """Return the settings of a split's data set on the hub, None if it is generated or in local files."""
    splits = (source.get("init_args") or {}).get("splits") or {}
    table = splits.get(split) if isinstance(splits, Mapping) else None
    path = table.get("path") if isinstance(table, Mapping) else None
    is_hub = str(source.get("class_path")).rpartition(".")[2] in ("Hub", "SquadHub")
    return table if is_hub and isinstance(path, str) and is_on_hub(path) else None
