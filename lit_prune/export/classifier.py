"""`Classifier`: an encoder with one head, as a run left it or as an export is loaded."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor, nn
from transformers.modeling_outputs import SequenceClassifierOutput

from lit_prune.checkpoints import is_masked_base, read_checkpoint
from lit_prune.data.configured import configured_tasks
from lit_prune.encoder import PrunableEncoder
from lit_prune.errors import UserError
from lit_prune.heads import Classification
from lit_prune.sparsity.install import install
from lit_prune.sparsity.layers import LowRankLinear
from lit_prune.sparsity.masks import FixedMask, LearnedMask, Mask


class Classifier(nn.Module):
    """An encoder and the head of one task.

    Args:
        encoder: The encoder.
        num_labels: Number of classes.
    """

    def __init__(self, encoder: PrunableEncoder, num_labels: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = Classification(encoder.hidden_size, num_labels, encoder.hidden_dropout, encoder.has_pooler)

    def forward(self, **inputs: Tensor) -> SequenceClassifierOutput:
        """What the tokenizer returns, each (batch, length) -> an object with `logits` (batch, classes)."""
        return SequenceClassifierOutput(logits=self.head(*self.encoder(inputs)))


@dataclass(frozen=True)
class Trained:
    """The result of a finished run.

    Attributes:
        model: The selected model, masks in place, in evaluation mode.
        task: The name of the task that its head is for.
        labels: Class names, in the order of the logits.
        config: The run's `config.yaml`.
        metrics: The run's `metrics.json`.
        record: The run's `run.json`.
        is_masked_base: Whether nothing but masks was trained over the run's dense model.
    """

    model: Classifier
    task: str
    labels: tuple[str, ...]
    config: dict[str, Any]
    metrics: dict[str, Any]
    record: dict[str, Any]
    is_masked_base: bool


def read_run(run: Path, task: str | None) -> Trained:
    """Rebuild a run's selected model from the run's folder, without its data.

    Args:
        run: The folder of a finished run.
        task: The task whose head to take, None: the only one.

    Raises:
        UserError: the folder holds no finished run, the run has no such task, or several.
    """
    for name in ("config.yaml", "run.json", "metrics.json"):
        if not (run / name).is_file():
            remedy = f"finish it with lit_prune fit --resume {run}" if name == "metrics.json" else "is it a run?"
            raise UserError(f"{run} holds no {name}: {remedy} (logs/<experiment>/version_<n>)")
    config = yaml.safe_load((run / "config.yaml").read_text())
    try:
        every = configured_tasks(config)
    except KeyError as error:
        raise UserError(f"{run}/config.yaml does not tell the {error} of a task in data.tasks: set it there") from error
    tasks = {name: tuple(each["labels"]) for name, each in every.items() if "labels" in each}
    if task in every.keys() - tasks.keys() or not tasks:
        raise UserError(
            f"the task {task or ', '.join(every)} of {run} has no labels, and test, predict and export know tasks of "
            "classes only; what the run found of its own sets is in its metrics.json and predictions.parquet"
        )
    if task is None and len(tasks) == 1:
        (task,) = tasks
    if task is None or task not in tasks:
        raise UserError(f"task is {task!r}, needed is one of {sorted(tasks)}, the tasks of {run}: give --task")
    origin = run / "checkpoints" / "best.ckpt"
    checkpoint = read_checkpoint(origin)
    # The checkpoint holds every weight: what the backbone was pretrained to need not be read.
    model = Classifier(PrunableEncoder(**config["encoder"] | {"pretrained": False, "compile": False}), len(tasks[task]))
    own = state_of(task, checkpoint["state_dict"])
    try:
        _install(model, own)
        model.load_state_dict(own)
    except (AttributeError, AssertionError, RuntimeError) as error:  # no such layer, other shapes, other names
        raise UserError(f"{origin} does not fit the encoder of {run}/config.yaml: {error}") from error
    read = {name: json.loads((run / f"{name}.json").read_text()) for name in ("metrics", "run")}
    return Trained(model.eval(), task, tasks[task], config, read["metrics"], read["run"], is_masked_base(checkpoint))


def state_of(task: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What a run's state dict holds of one task, under the names of a `Classifier`; its own mask is a fixed one."""
    head = f"heads.{task}."
    own = {name.replace(head, "head."): value for name, value in state.items() if name.startswith(("encoder.", head))}
    for name in [name for name in own if name.endswith(f".mask.own.{task}.scores")]:
        mask = name.removesuffix(f".own.{task}.scores")
        parts = [f"{mask}.own.{task}", *([f"{mask}.shared"] if f"{mask}.shared.scores" in own else [])]
        keep = torch.stack([own[f"{part}.scores"] > own[f"{part}.threshold"] for part in parts]).any(0)
        own = {other: value for other, value in own.items() if not other.startswith(f"{mask}.")}
        own[f"{mask}.keep"] = keep
    return own


def _install(model: Classifier, state: dict[str, Tensor]) -> None:
    """Put masks where the checkpoint has them, and factors in the place of matrices that it has by their ranks."""
    masks: dict[str, Mask] = {}
    for kind, suffix in ((LearnedMask, ".mask.scores"), (FixedMask, ".mask.keep")):
        masks |= {name.removesuffix(suffix): kind(value) for name, value in state.items() if name.endswith(suffix)}
    by_rank = [name for name in masks if f"{name}.sigma" in state]
    for name in by_rank:
        u, sigma, vh = (state[f"{name}.{factor}"] for factor in ("u", "sigma", "vh"))
        layer = LowRankLinear(u, sigma, vh, model.get_submodule(name).bias)  # type: ignore[arg-type]
        layer.mask = masks.pop(name)
        model.set_submodule(name, layer)
    install(model, masks, lambda name, _: masks[name])
