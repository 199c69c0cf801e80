"""The model card of an exported folder, in the form of the Hugging Face hub."""

from pathlib import Path

from lit_prune.data.tasks.task import Task
from lit_prune.export.card_data import card_data, metrics_by_split
from lit_prune.export.formats.format import Format
from lit_prune.export.trained import Trained
from lit_prune.sparsity.budget import budget
from lit_prune.sparsity.count import count, kinds_of, total
from lit_prune.sparsity.install import masks_by_task


def model_card(trained: Trained, folder: Path, form: Format, dtype: str) -> str:
    """Write the model card of an export.

    Args:
        trained: The run's result.
        folder: The folder, complete but for the card, which has its size.
        form: Its format.
        dtype: The data type of its weights.
    """
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    record, metrics, model = trained.record, trained.metrics, trained.model
    tasks = list(model.tasks.values())
    converted, before = (f", {dtype}", f", before conversion to {dtype}") if form.has_weights else ("", "")
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    pipelines = {task.pipeline for task in tasks}
    kind = pipelines.pop() if len(pipelines) == 1 else Task.pipeline
    options = [
        *(["base=RUN"] if form.needs_base(trained) else []),
        *([f'task="{model.task}"'] if len(tasks) > 1 else []),
    ]
    return f"""---
{card_data(trained, form, kind).to_yaml()}
---
# {record["experiment"]}: {", ".join(model.tasks)}

Made from `{trained.backbone.called}` ({model.encoder.model_type}), pruned with lit_prune.

{chr(10).join(f"- {task.name}: {task.output}" for task in tasks)}
- Sparsity: {_sparsity(trained)}
- Size: {size:.2f} MB on disk, {form.name}{converted}

## Metrics

Of the run's selected model (step {metrics["step"]} of {metrics["steps"]}){before}.

{_table(trained)}

## How it was made

- Seed: {metrics["seed"]}
- Hash of the configuration: `{record["config_hash"]}`; of the data: `{record["data_hash"]}`
- Commit of lit_prune: `{record["commit"]}`
- Versions: {versions}
- Trained on: {record["hardware"]["device"]}, precision {record["hardware"]["precision"]}

## Use

```python
import lit_prune

model = lit_prune.load({", ".join(["FOLDER", *options])})
inputs = model.encoder.tokenizer({model.tasks[model.task].example_texts}, return_tensors="pt")
{model.tasks[model.task].example_inputs}logits = model(**inputs).logits
{model.tasks[model.task].example_predictions}{_switch(tasks)}```
{form.elsewhere(trained)}"""


def _switch(tasks: list[Task]) -> str:
    """Return the line that switches to another task, if there are several."""
    return f'model.use("{tasks[-1].name}")  # another task, in place\n' if len(tasks) > 1 else ""


def _sparsity(trained: Trained) -> str:
    counts = count(trained.model)
    if not counts:
        if "tuned" not in trained.metrics:
            return "0 (nothing is pruned)"
        tuned, share = trained.metrics["tuned"], trained.metrics["tuned_share"]
        return f"0 (nothing is pruned); {tuned:,} entries are tuned ({share:.2%})"
    whole = total(counts.values())
    kind = " and ".join(kinds_of(trained.model))
    told = (
        f"{whole.sparsity:.2%} removed ({whole.num_kept:,} of {whole.num_total:,} {kind} kept, in {len(counts)} "
        f"matrices); the run counts it over {trained.metrics['denominator']}"
    )
    by_task = masks_by_task(trained.model)
    needed = budget(trained.model).figures()
    if "wasted_ranks" in needed:
        told += f"; {needed['parameter_density']:.2%} of the layers' parameters are kept"
    if len(by_task) > 1:
        told += "; each task has its own masks"
        told += f": together they keep {needed['stored_density']:.2%} of the layers' parameters"
    return told


def _table(trained: Trained) -> str:
    """Return the tasks' metrics as a table, a row per split."""
    tasks = trained.model.tasks
    metrics = [*dict.fromkeys(name for task in tasks.values() for name in task.card_metrics), "loss"]
    rows = metrics_by_split(trained)
    shown = [metric for metric in metrics if any(metric in values for values in rows.values())]
    lines = [f"| split | {' | '.join(shown)} |", "|---" * (1 + len(shown)) + "|"]
    for split, values in rows.items():
        cells = (f"{values[metric]:.4f}" if metric in values else "-" for metric in shown)
        lines.append(f"| {split} | {' | '.join(cells)} |")
    return "\n".join(lines)
