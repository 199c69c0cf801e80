"""Prune pretrained text encoders and tune them sparsely in PyTorch Lightning, honestly measured."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from lit_prune.export.load import LoadedModel

__version__ = "0.2.0"

# Module -> its public names, imported when they are first used: the package itself imports no torch.
_PUBLIC = {
    "lit_prune.api": ("Run", "fit", "load_run"),
    "lit_prune.callbacks": ("EndPhase", "ImpRounds", "Prune"),
    "lit_prune.data": (
        "ChoiceTask",
        "EmbeddingTask",
        "Files",
        "Hub",
        "MentionTask",
        "MultiLabelTask",
        "MultitaskDataModule",
        "RegressionTask",
        "Similarity",
        "SpanTask",
        "Task",
        "TokenTask",
    ),
    "lit_prune.data.sources": ("Frames", "WordFrames"),
    "lit_prune.encoders.encoder": ("PrunableEncoder",),
    "lit_prune.errors": ("UserError",),
    "lit_prune.export.hub": ("push_to_hub",),
    "lit_prune.hf": ("PruneCallback",),
    "lit_prune.losses": (
        "Annealed",
        "BalancedCrossEntropy",
        "BinaryCrossEntropy",
        "ConfidenceRegularisation",
        "CrossEntropy",
        "GroupDro",
        "LearnedMixin",
        "Loss",
        "MeanSquaredError",
        "ProductOfExperts",
        "Reweighting",
        "TokenCrossEntropy",
    ),
    "lit_prune.paradigms": (
        "FineTune",
        "IterativePruning",
        "LotteryTicket",
        "MaskTraining",
        "Paradigm",
        "PruneAfterFinetune",
        "PruneWhileFinetuning",
        "SparseFinetuning",
    ),
    "lit_prune.phases": ("Phase", "Training"),
    "lit_prune.sparsity.allocations": ("Allocation", "ScoreBudget", "ScoreThreshold"),
    "lit_prune.sparsity.criteria": (
        "BlockFisher",
        "Criterion",
        "GradualMagnitude",
        "HardMagnitude",
        "Magnitude",
        "Movement",
        "Random",
        "RelativeMagnitude",
        "SoftMovement",
    ),
    "lit_prune.sparsity.pruner": ("Pruner", "prune"),
    "lit_prune.sparsity.repair": ("repair",),
    "lit_prune.sparsity.schedules": ("Constant", "Cubic", "Linear", "Rounds", "Schedule", "Staircase"),
    "lit_prune.sparsity.structures": ("Element", "Rank", "Structure"),
    "lit_prune.tuning.any_module": ("tune_entries",),
    "lit_prune.tuning.fold": ("fold_tuned",),
}
_ROOMS = ("callbacks", "data", "encoders", "export", "hf", "losses", "paradigms", "phases", "sparsity", "tuning")
_MODULE_OF = {name: module for module, names in _PUBLIC.items() for name in names}
__all__ = ["load", *_MODULE_OF]


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        return import_module(f"lit_prune.{name}")
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'lit_prune' has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_MODULE_OF])


def load(
    folder: str | Path | Sequence[str | Path],
    base: str | Path | None = None,
    task: str | None = None,
    plugins: Sequence[str] = (),
    revision: str | None = None,
) -> LoadedModel:
    """Load a model that `lit_prune export` wrote, from its folder or the Hugging Face hub.

        model = load("pruned")
        logits = model(**model.encoder.tokenizer("A text.", return_tensors="pt")).logits

    The arguments are those of `lit_prune.export.load.load`.
    """
    from lit_prune.export.load import load  # not above: the package imports without torch

    return load(folder, base, task, plugins, revision)
