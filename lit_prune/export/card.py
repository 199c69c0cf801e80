"""The model card of an exported folder, in the form of the Hugging Face hub."""

from pathlib import Path

from lit_prune.export.classifier import Trained
from lit_prune.export.dense import COUNTERPARTS
from lit_prune.sparsity.count import count, total

_METRICS = ("accuracy", "auroc", "loss")
_PLAIN = """
Or without lit_prune: `transformers.AutoModelForSequenceClassification.from_pretrained(FOLDER)`.
"""


def model_card(trained: Trained, folder: Path, form: str, dtype: str) -> str:
    """What a reader must know of an exported model.

    Args:
        trained: The run's result.
        folder: The folder, complete but for the card; its size is told.
        form: `dense`, `packed` or `masks`.
        dtype: The data type of its weights.
    """
    size = sum(path.stat().st_size for path in folder.iterdir()) / 1e6
    record, metrics = trained.record, trained.metrics
    is_plain = form == "dense" and trained.model.encoder.model_type in COUNTERPARTS
    converted, before = ("", "") if form == "masks" else (f", {dtype}", f", before conversion to {dtype}")
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return f"""---
library_name: {"transformers" if form == "dense" else "lit_prune"}
pipeline_tag: text-classification
license: unknown
tags: [pruning, sparse, lit_prune]
---
# {record["experiment"]}: {trained.task}

A text classifier over `{trained.model.encoder.name}` ({trained.model.encoder.model_type}), pruned with lit_prune.

- Classes: {", ".join(trained.labels)}
- Sparsity: {_sparsity(trained)}
- Size: {size:.2f} MB on disk, {form}{converted}

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

model = lit_prune.load(FOLDER{", base=RUN" if form == "masks" else ""})
inputs = model.encoder.tokenizer("A text.", "A second, for tasks of pairs.", return_tensors="pt")
logits = model(**inputs).logits
```
{_PLAIN if is_plain else ""}"""


def _sparsity(trained: Trained) -> str:
    counts = count(trained.model)
    if not counts:
        return "0 (nothing is pruned)"
    whole = total(counts.values())
    return (
        f"{whole.sparsity:.2%} removed ({whole.num_kept:,} of {whole.num_total:,} weights kept, in {len(counts)} "
        f"matrices); the run counts it over {trained.metrics['denominator']}"
    )


def _table(trained: Trained) -> str:
    """The task's metrics by split, a row each."""
    rows: dict[str, dict[str, float]] = {}
    for key, value in trained.metrics.items():
        task, _, rest = key.partition("/")
        split, _, metric = rest.partition("/")
        if task == trained.task and metric in _METRICS:
            rows.setdefault(split, {})[metric] = value
    lines = [f"| split | {' | '.join(_METRICS)} |", "|---" * (1 + len(_METRICS)) + "|"]
    for split, values in rows.items():
        cells = (f"{values[metric]:.4f}" if metric in values else "-" for metric in _METRICS)
        lines.append(f"| {split} | {' | '.join(cells)} |")
    return "\n".join(lines)
