"""Training of one LightningModule with a pruning callback: `Prune`, Lightning's `ModelPruning`, or none."""

import gc
import logging
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, ModelPruning
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from lit_prune.bench.bert import dense_bert
from lit_prune.bench.memory import live_tensor_bytes
from lit_prune.bench.training import Setting
from lit_prune.callbacks.prune import Prune
from lit_prune.errors import UserError
from lit_prune.hardware.sizes import check_positive
from lit_prune.sparsity.select import check_sparsity

VARIANTS = DENSE, PRUNE, ONCE, EACH_EPOCH = "no pruning", "Prune", "ModelPruning, once", "ModelPruning, each epoch"
NUM_LABELS = 3


@dataclass(frozen=True)
class Training(Setting):
    """Shape, batches, length and final sparsity of a training.

    Raises:
        UserError: A setting is out of range.
    """

    epochs: int
    steps: int
    sparsity: float

    def __post_init__(self) -> None:
        super().__post_init__()
        check_positive(steps=self.steps)
        check_sparsity(self.sparsity)
        if self.epochs < 2:
            raise UserError(f"epochs must be at least 2, got {self.epochs}: a training is resumed after an epoch")

    def batches(self) -> DataLoader[tuple[Tensor, ...]]:
        """Return the batches of an epoch, random tokens and labels that are the same in every training."""
        draw = torch.Generator().manual_seed(0)
        tokens = torch.randint(1000, (self.steps, self.batch, self.length), generator=draw)
        labels = torch.randint(NUM_LABELS, (self.steps, self.batch), generator=draw)
        return DataLoader(TensorDataset(tokens, labels), batch_size=None)


class Classifier(LightningModule):
    """A random BERT with a classifier, without dropout: the weights after training depend on the batches alone."""

    def __init__(self, training: Training) -> None:
        super().__init__()
        shape = training.layers, training.hidden, training.length
        self.encoder = dense_bert(*shape, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0)
        self.classifier = nn.Linear(training.hidden, NUM_LABELS)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        tokens, labels = batch
        return nn.functional.cross_entropy(self.classifier(self.encoder(tokens).pooler_output), labels)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return AdamW over all parameters."""
        return torch.optim.AdamW(self.parameters(), lr=1e-4)

    def prunable(self) -> dict[str, nn.Module]:
        """Return the linear layers by name: all callbacks prune their weights."""
        return {name: module for name, module in self.named_modules() if isinstance(module, nn.Linear)}


class InterruptionError(Exception):
    """The end of a training in the middle of an epoch."""


@dataclass(frozen=True)
class Trained:
    """A finished training.

    Attributes:
        module: The module.
        seconds: Mean time of a step, with pruning between the steps.
        tensor_bytes: Size of the tensors alive after the last epoch; 0 without checkpoints.
        logged: Sparsity that the callback logged last, as metrics or as text.
    """

    module: Classifier
    seconds: float
    tensor_bytes: int
    logged: str


def train(
    training: Training,
    variant: str,
    folder: Path | None = None,
    resume: Path | None = None,
    interrupt_at: int | None = None,
) -> Trained:
    """Train a new module with a new callback.

    Args:
        training: The training.
        variant: One of `VARIANTS`.
        folder: Folder for a checkpoint `epoch=<n>.ckpt` of each epoch, None for no checkpoints.
        resume: The checkpoint to resume from.
        interrupt_at: The step that raises `InterruptionError`.
    """
    gc.collect()  # modules of earlier trainings are parts of cycles
    before = 0 if folder is None else live_tensor_bytes()
    module, observer = Classifier(training), _Observer(interrupt_at)
    checkpoints = [] if folder is None else [ModelCheckpoint(folder, "{epoch}", save_top_k=-1)]
    with _messages() as messages:
        trainer = Trainer(
            accelerator="gpu" if training.device == "cuda" else "cpu",
            devices=1,
            max_epochs=training.epochs,
            callbacks=[*_pruning(training, variant, module), observer, *checkpoints],
            log_every_n_steps=training.steps,
            logger=False,
            enable_checkpointing=bool(checkpoints),
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, training.batches(), ckpt_path=resume)
    metrics = [f"{name} {value:.4f}" for name, value in trainer.callback_metrics.items()]
    logged = "\n".join(metrics or messages[-1:])
    return Trained(module, observer.seconds / trainer.global_step, observer.tensor_bytes - before, logged)


def _pruning(training: Training, variant: str, module: Classifier) -> list[Callback]:
    """Return the callback; `amount` of `ModelPruning` is a fraction of the entries that it has not pruned yet."""
    if variant == DENSE:
        return []
    if variant == PRUNE:
        return [Prune(training.sparsity)]
    amount = training.sparsity if variant == EACH_EPOCH else lambda epoch: 0.0 if epoch else training.sparsity
    weights = [(layer, "weight") for layer in module.prunable().values()]
    return [ModelPruning("l1_unstructured", weights, amount=amount, use_lottery_ticket_hypothesis=False, verbose=1)]


@contextmanager
def _messages() -> Iterator[list[str]]:
    """Silence Lightning, and collect the messages of `ModelPruning`."""
    messages: list[str] = []
    loggers = [logging.getLogger(name) for name in (ModelPruning.__module__, "lightning.pytorch.utilities.rank_zero")]

    def collect(record: logging.LogRecord) -> bool:
        if record.name == ModelPruning.__module__:
            messages.append(record.getMessage())
        return False

    for logger in loggers:
        logger.addFilter(collect)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module="lightning")
            yield messages
    finally:
        for logger in loggers:
            logger.removeFilter(collect)


@dataclass(eq=False)
class _Observer(Callback):
    """A callback that measures a training after the pruning callback, and may interrupt it."""

    interrupt_at: int | None
    seconds: float = 0.0
    tensor_bytes: int = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds -= _now(pl_module.device)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        if trainer.global_step == self.interrupt_at:
            raise InterruptionError

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.checkpoint_callback is not None and trainer.current_epoch + 1 == trainer.max_epochs:
            self.tensor_bytes = live_tensor_bytes()

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.seconds += _now(pl_module.device)


def _now(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
