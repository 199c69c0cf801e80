"""`lit_prune bench callbacks`: `Prune` beside Lightning's `ModelPruning` on one LightningModule."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from rich.table import Table
from rich.text import Text
from torch import Tensor

from lit_prune.bench.callback_training import DENSE, VARIANTS, Classifier, InterruptionError, Trained, Training, train
from lit_prune.bench.memory import peak_memory
from lit_prune.bench.report import CONSOLE_WIDTH, machine
from lit_prune.bench.timing import median_ratio
from lit_prune.display.console import wide_console
from lit_prune.files import write_json
from lit_prune.hardware.device import device_named
from lit_prune.hardware.sizes import check_positive


def callbacks(
    layers: int = 4,
    hidden: int = 256,
    batch: int = 8,
    length: int = 64,
    epochs: int = 5,
    steps: int = 8,
    sparsity: float = 0.9,
    repeats: int = 5,
    device: str = "auto",
    json: str | None = None,
) -> None:
    """Compare `Prune` with Lightning's `ModelPruning` on one module: sparsity, step time, memory and resume.

    All prune the linear layers of a random BERT by global magnitude. `ModelPruning` prunes once, at the end of the
    first epoch (its `amount` is a function of the epoch), or at the end of each epoch (its `amount` is a number).

    Args:
        layers: Number of Transformer layers of the random BERT.
        hidden: Width of the hidden states, a multiple of 64.
        batch: Number of texts in a batch.
        length: Number of tokens of a text.
        epochs: Number of epochs of a training, at least 2.
        steps: Number of steps in an epoch.
        sparsity: The fraction to remove.
        repeats: Rounds; a round trains once with each callback.
        device: cpu, cuda, or auto: cuda if available.
        json: File for the figures: one JSON object with a list of `callbacks`.

    Raises:
        UserError: An argument is out of range.
    """
    check_positive(repeats=repeats)
    training = Training(layers, hidden, batch, length, "fp32", device_named(device), epochs, steps, sparsity)
    outcomes = compare_callbacks(training, repeats)
    wide_console(CONSOLE_WIDTH).print(table(outcomes, training))
    if json is not None:
        write_json({**machine(training.device), "callbacks": [asdict(each) for each in outcomes]}, Path(json))


@dataclass(frozen=True)
class Outcome:
    """Effects and costs of a callback.

    Attributes:
        variant: Name of the callback.
        requested: Sparsity that the callback is set to.
        checkpoint_sparsity: Fraction of zeros in the prunable weights of the last checkpoint.
        module_sparsity: Fraction of zeros in the prunable weights of the module after training.
        logged: Sparsity that the callback logged last, as metrics or as text.
        seconds: Time of a training step, with pruning between the steps; the median over the rounds.
        ratio: This time relative to training without pruning; the median over the rounds.
        tensor_bytes: Size of the tensors alive after the last epoch: parameters, gradients, states of optimizer
            and callback.
        peak_bytes: Peak memory of a training, None if it cannot be measured.
        checkpoint_bytes: Size of the last checkpoint.
        strict_load: `yes` if the module loads the last checkpoint without the callback, else the error.
        resume: `equal` if an interrupted and resumed training ends with the same weights as an uninterrupted one, bit
            for bit; else the sparsity that it ends with, or the error.
    """

    variant: str
    requested: float
    checkpoint_sparsity: float
    module_sparsity: float
    logged: str
    seconds: float
    ratio: float
    tensor_bytes: int
    peak_bytes: int | None
    checkpoint_bytes: int
    strict_load: str
    resume: str


def compare_callbacks(training: Training, repeats: int) -> list[Outcome]:
    """Train with all callbacks in turn, round after round, after one warm-up round; then measure their effects.

    Args:
        training: The training.
        repeats: Number of rounds.
    """
    rounds = [[train(training, variant).seconds for variant in VARIANTS] for _ in range(repeats + 1)]
    seconds = list(zip(*rounds[1:], strict=True))
    return [
        _outcome(training, variant, statistics.median(times), median_ratio(times, seconds[0]))
        for variant, times in zip(VARIANTS, seconds, strict=True)
    ]


def _outcome(training: Training, variant: str, seconds: float, ratio: float) -> Outcome:
    """Train without interruption, and with one in the epoch after the middle checkpoint."""
    middle = (training.epochs - 1) // 2
    interrupt_at = (middle + 1) * training.steps + training.steps // 2
    with TemporaryDirectory() as name:
        whole, interrupted = Path(name) / "whole", Path(name) / "interrupted"
        trained = train(training, variant, whole)
        last = whole / f"epoch={training.epochs - 1}.ckpt"
        with suppress(InterruptionError):
            train(training, variant, interrupted, interrupt_at=interrupt_at)
        resume = partial(train, training, variant, resume=interrupted / f"epoch={middle}.ckpt")
        return Outcome(
            variant,
            requested=0.0 if variant == DENSE else training.sparsity,
            checkpoint_sparsity=_sparsity(torch.load(last, weights_only=True)["state_dict"], trained.module),
            module_sparsity=_sparsity(trained.module.state_dict(), trained.module),
            logged=trained.logged or "-",
            seconds=seconds,
            ratio=ratio,
            tensor_bytes=trained.tensor_bytes,
            peak_bytes=peak_memory(partial(partial, train, training, variant), training.device),
            checkpoint_bytes=last.stat().st_size,
            strict_load=_attempt(partial(_strict_load, last, training)),
            resume=_attempt(partial(_resume, resume, trained.module)),
        )


def _sparsity(state: Mapping[str, Tensor], module: Classifier) -> float:
    weights = [state[f"{name}.weight"] for name in module.prunable()]
    return sum(int((weight == 0).sum()) for weight in weights) / sum(weight.numel() for weight in weights)


def _strict_load(path: Path, training: Training) -> str:
    Classifier.load_from_checkpoint(path, strict=True, weights_only=True, training=training)
    return "yes"


def _resume(train_on: Callable[[], Trained], whole: Classifier) -> str:
    resumed = train_on().module
    state, expected = resumed.state_dict(), whole.state_dict()
    if state.keys() == expected.keys() and all(torch.equal(state[name], expected[name]) for name in expected):
        return "equal"
    return f"different, sparsity {_sparsity(state, resumed):.4f}"


def _attempt(function: Callable[[], str]) -> str:
    """Return the result of a function, or the error that it raises."""
    try:
        return function()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def table(outcomes: Sequence[Outcome], training: Training) -> Table:
    """Return a table with a column for each callback."""
    rows: dict[str, Callable[[Outcome], str]] = {
        "sparsity, requested": lambda each: f"{each.requested:.5f}",
        "sparsity of the checkpoint": lambda each: f"{each.checkpoint_sparsity:.5f}",
        "sparsity of the module": lambda each: f"{each.module_sparsity:.5f}",
        "logged": lambda each: each.logged,
        "step, ms": lambda each: f"{each.seconds * 1000:.1f}",
        "step, of no pruning": lambda each: f"{each.ratio:.3f}",
        "tensors, MB": lambda each: f"{each.tensor_bytes / 1e6:.1f}",
        "peak memory, MB": lambda each: "-" if each.peak_bytes is None else f"{each.peak_bytes / 1e6:.0f}",
        "checkpoint, MB": lambda each: f"{each.checkpoint_bytes / 1e6:.1f}",
        "loads strictly": lambda each: each.strict_load,
        "resumed": lambda each: each.resume,
    }
    shown = Table(
        "",
        *(each.variant for each in outcomes),
        title=f"BERT, {training.layers} layers, {training.hidden} wide, {training.epochs} epochs of {training.steps} "
        f"steps, {training.batch} texts of {training.length} tokens on {training.device}",
        caption="tensors: alive after the last epoch; loads strictly: the checkpoint, without the callback; resumed: "
        "weights after an interrupted training, beside an uninterrupted one",
    )
    for name, cell in rows.items():
        shown.add_row(name, *(Text(cell(each)) for each in outcomes))
    return shown
