"""Logits of a finished run's model on sets."""

from collections.abc import Sequence
from typing import Any, get_args

import torch
from lightning.fabric import Fabric
from lightning.fabric.connector import _PRECISION_INPUT  # type: ignore[attr-defined]
from rich.console import Console
from rich.progress import track

from lit_prune.data.batch import Collate
from lit_prune.data.configured import setting
from lit_prune.data.loading import evaluation_loader
from lit_prune.data.tasks.evaluation_set import EvaluationSet
from lit_prune.errors import UserError
from lit_prune.evaluate.collector import Collector, Predicted
from lit_prune.export.trained import Trained


def predict_sets(trained: Trained, sets: Sequence[EvaluationSet], batch_size: int, device: str) -> list[Predicted]:
    """Compute the logits of every set in the precision of the run's evaluations, with a progress bar on a terminal.

    Args:
        trained: The run's result.
        sets: Tokenised sets of its task.
        batch_size: Rows per batch.
        device: cpu or cuda.
    """
    fabric = Fabric(accelerator=device, devices=1, precision=_precision(trained))
    model = fabric.setup_module(trained.model)
    collate = Collate(trained.model.encoder.tokenizer, trained.model.tasks)
    collector = Collector(sets)
    console = Console(stderr=True)
    shown: dict[str, Any] = {"console": console, "transient": True, "disable": not console.is_terminal}
    with torch.inference_mode():
        for number, each in enumerate(sets):
            batches = evaluation_loader(each, batch_size, collate)
            for batch in track(batches, description=each.name, **shown):
                collector.add(number, batch, model(**fabric.to_device(batch.inputs | batch.head_inputs)).logits)
    return collector.predicted()


def _precision(trained: Trained) -> Any:
    """Return the precision of the run's evaluations."""
    named = setting(trained.config, "trainer.precision", str | int | None) or "32-true"
    if named not in (known := [each for kind in get_args(_PRECISION_INPUT) for each in get_args(kind)]):
        raise UserError(
            f"unknown precision {named!r} in the run's configuration: choose from {', '.join(map(str, known))}"
        )
    return named
